interface Job {
  readonly start: () => Promise<void>;
  /** Settles the job without running it, because too many jobs wait. */
  readonly refuse: () => void;
}

/**
 * Runs one job at a time. Jobs wait in lanes, and the lanes take turns, so that a lane with many jobs does not delay the others.
 * When the queue is full, a new job takes the place of the last job of the longest lane.
 */
export class FairQueue {
  /** The lanes that have jobs, in the order of their turns. */
  readonly #lanes = new Map<string, Job[]>();
  #waiting = 0;
  #isBusy = false;

  /** @param limit maximum number of jobs, including the one that runs */
  constructor(readonly limit: number) {}

  /** @returns undefined, at once or later, where the job does not run because too many others wait */
  run<T>(lane: string, work: () => Promise<T>): Promise<T | undefined> | undefined {
    if (this.#waiting + Number(this.#isBusy) >= this.limit && !this.#refuseForLane(lane)) return undefined;
    return new Promise((resolve, reject) => {
      const start = async (): Promise<void> => work().then(resolve, reject);
      const jobs = this.#lanes.get(lane);
      const job = { start, refuse: () => resolve(undefined) };
      if (jobs === undefined) this.#lanes.set(lane, [job]);
      else jobs.push(job);
      this.#waiting++;
      void this.#next();
    });
  }

  /** Refuses the last job of the longest lane. False where that lane would not be longer than the new job's own. */
  #refuseForLane(lane: string): boolean {
    let longest = '';
    for (const [name, jobs] of this.#lanes) {
      if (jobs.length > (this.#lanes.get(longest)?.length ?? 0)) longest = name;
    }
    const jobs = this.#lanes.get(longest);
    if (jobs === undefined || jobs.length <= (this.#lanes.get(lane)?.length ?? 0) + 1) return false;
    jobs.pop()!.refuse();
    this.#waiting--;
    return true;
  }

  async #next(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (const [lane, jobs] of this.#lanes) {
      const job = jobs.shift()!;
      this.#waiting--;
      // moves the lane to the end: all other lanes have a turn first
      this.#lanes.delete(lane);
      if (jobs.length > 0) this.#lanes.set(lane, jobs);
      await job.start();
    }
    this.#isBusy = false;
  }
}
