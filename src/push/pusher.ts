/** Pushes to one target by an interval, as long as this process leads. */
import { describeError } from '../errors.js';
import type { MetricFamily } from '../model/metric-family.js';
import { eventLoopTurn, TimeSlices } from '../time-slices.js';
import { warnOnce } from '../warn-once.js';
import { Leadership } from './leadership.js';
import type { PushTarget } from './push-target.js';
import { type QueueOptions, SendQueue } from './send-queue.js';

export interface PusherOptions extends QueueOptions {
  /** Kind of the target, for the figures and the log. */
  readonly name: string;
  readonly id: string;
  readonly intervalMs: number;
  /** The directory that is pushed; undefined while this process counts in memory. */
  readonly dir: () => string | undefined;
  readonly collect: () => Promise<readonly MetricFamily[]>;
}

/** How long the last sending may take when a push ends. */
const END_MS = 5000;
/** Making messages blocks the event loop for so long at a time. */
const SLICE_MS = 2;

export class Pusher {
  readonly #target: PushTarget;
  readonly #options: PusherOptions;
  readonly #leadership: Leadership;
  readonly #queue: SendQueue;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;

  constructor(target: PushTarget, options: PusherOptions) {
    const { name, id, intervalMs } = options;
    const warn = (what: string, reason: string): void => {
      warnOnce(`push ${id} ${what}`, `push to ${target.destination}: ${what}: ${reason}`);
    };
    this.#target = target;
    this.#options = options;
    this.#leadership = new Leadership({ id, target: name, intervalMs, warn });
    this.#queue = new SendQueue(target, options, warn);
    this.#timer = setInterval(() => this.#tick(), intervalMs);
    this.#timer.unref();
    this.#tick();
  }

  /** Does nothing while the tick before is not over. */
  #tick(): void {
    this.#running ??= this.#push().finally(() => (this.#running = undefined));
  }

  /** Never rejects. */
  async #push(): Promise<void> {
    const { name, dir, collect } = this.#options;
    const [leadership, queue, target] = [this.#leadership, this.#queue, this.#target];
    try {
      // a first tick during the program's start would send less than one a moment later
      await eventLoopTurn();
      const wasLeader = leadership.isLeader;
      if (!leadership.decide(dir())) return;
      if (!wasLeader) queue.figures = { ...leadership.figures, queueBytes: 0 };
      const families = await collect();
      await target.prepare?.(queue.signal);
      await eventLoopTurn();
      await this.#add(families);
    } catch (error) {
      // before the application has made the directory there is nothing to push
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      const reason = describeError(error);
      warnOnce(`push ${name} ${reason}`, `nothing is pushed to ${target.destination}: ${reason}`);
    }
  }

  async #add(families: readonly MetricFamily[]): Promise<void> {
    const queue = this.#queue;
    const snapshot = { families, time: this.#leadership.nextTime(queue.figures) };
    for await (const message of this.#target.messages(snapshot, new TimeSlices(SLICE_MS))) {
      queue.add(message);
      await eventLoopTurn();
    }
  }

  /**
   * Sends the last values, if this process leads, and leaves the push to the other processes. Where there is none, the
   * receiver is told that the series have ended.
   */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    const [leadership, queue, target] = [this.#leadership, this.#queue, this.#target];
    if (leadership.isLeader) {
      await this.#push();
      await queue.drain(END_MS);
      if (target.marksEnds === true && leadership.isLeader && leadership.isLast()) {
        await this.#add([]);
        await queue.drain(END_MS);
      }
    }
    await queue.close();
    leadership.end(queue.figures);
    target.close?.();
  }
}
