interface Job {
  readonly start: () => Promise<void>;
  /** It is not run: too many wait. */
  readonly refuse: () => void;
}

/**
 * Runs one job at a time. Jobs wait in lanes, of which each has its turn after the others have had theirs, so that nobody waits
 * longer for a lane that is full of jobs. A newcomer finds room at the cost of the longest lane.
 */
export class FairQueue {
  /** In the order of their turns; none is empty. */
  readonly #lanes = new Map<string, Job[]>();
  #waiting = 0;
  #isBusy = false;

  /** @param limit jobs that may be there, the one that runs included. */
  constructor(readonly limit: number) {}

  /** @returns undefined, at once or later, where the job is not run since too many others wait. */
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

  /** Refuses the last job of the longest lane; false where that would not be longer than the newcomer's. */
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
      // its next turn is after all the others
      this.#lanes.delete(lane);
      if (jobs.length > 0) this.#lanes.set(lane, jobs);
      await job.start();
    }
    this.#isBusy = false;
  }
}
