/**
 * The messages that wait to be sent, in their order: a receiver refuses a sample that is older than one that it has. When the
 * queue is full the oldest message is dropped. The newest has the present totals, so that only resolution is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { NO_FIGURES, type PushFigures } from '../directory/push-record.js';
import { within } from '../within.js';
import type { Message, Outcome, PushTarget } from './push-target.js';

export interface QueueOptions {
  readonly maxBytes: number;
  readonly maxRetries: number;
}

/** The delay before the first further attempt; each one doubles it, up to the last. */
const FIRST_DELAY_MS = 250;
const LAST_DELAY_MS = 30_000;

export class SendQueue {
  /** Includes what earlier leaders have done. */
  figures: PushFigures = NO_FIGURES;
  readonly #target: PushTarget;
  readonly #options: QueueOptions;
  readonly #warn: (what: string, reason: string) => void;
  readonly #messages: Message[] = [];
  #bytes = 0;
  /** The message that is on its way, which is not dropped. */
  #inFlight: Message | undefined;
  #running: Promise<void> | undefined;
  readonly #ended = new AbortController();

  /** @param warn logs why samples are lost; `what` has few values */
  constructor(target: PushTarget, options: QueueOptions, warn: (what: string, reason: string) => void) {
    this.#target = target;
    this.#options = options;
    this.#warn = warn;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  add(message: Message): void {
    this.#messages.push(message);
    this.#bytes += message.body.length;
    while (this.#bytes > this.#options.maxBytes) {
      const oldest = this.#messages.find((each) => each !== this.#inFlight);
      if (oldest === undefined) break;
      this.#count({ overflowed: this.figures.overflowed + oldest.samples });
      this.#warn('the queue is full', `the oldest of its ${this.#options.maxBytes} bytes are dropped`);
      this.#remove(oldest);
    }
    this.#count({});
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
  }

  /** Waits until all is sent or given up, but no longer than this time. */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#running !== undefined) await within(deadlineMs, this.#running);
  }

  /** Drops what is still in the queue. */
  async close(): Promise<void> {
    this.#ended.abort();
    await this.#running;
    for (const message of [...this.#messages]) {
      this.#count({ failed: this.figures.failed + message.samples });
      this.#remove(message);
    }
  }

  async #run(): Promise<void> {
    for (let head = this.#messages[0]; head !== undefined && !this.signal.aborted; head = this.#messages[0]) {
      await this.#deliver(head);
    }
  }

  /** Sends a message until it is taken, refused, tried too often, or dropped since the queue is full. */
  async #deliver(message: Message): Promise<void> {
    for (
      let delayMs = FIRST_DELAY_MS, tries = 1;
      !this.signal.aborted;
      delayMs = Math.min(2 * delayMs, LAST_DELAY_MS)
    ) {
      this.#inFlight = message;
      const outcome = await this.#target.send(message, this.signal);
      this.#inFlight = undefined;
      if (this.signal.aborted && outcome.result === 'failed') return;
      if (outcome.result !== 'failed') {
        this.#finish(message, outcome);
        return;
      }
      if (outcome.limited && tries++ > this.#options.maxRetries) {
        this.#warn(`a message was given up after ${this.#options.maxRetries} more attempts`, outcome.reason);
        this.#count({ failed: this.figures.failed + message.samples });
        this.#remove(message);
        return;
      }
      this.#warn('a message is sent again', outcome.reason);
      this.#count({ retries: this.figures.retries + 1 });
      // a part at random, so that a hundred hosts do not send again at one moment
      const pauseMs = Math.max(outcome.afterMs ?? 0, delayMs * (0.5 + Math.random() / 2));
      await sleep(pauseMs, undefined, { signal: this.signal, ref: false }).catch(() => {});
      if (!this.#messages.includes(message)) return;
    }
  }

  #finish(message: Message, outcome: Exclude<Outcome, { result: 'failed' }>): void {
    const { sent, refused } = this.figures;
    const lost = outcome.lost ?? (outcome.result === 'refused' ? message.samples : 0);
    if (lost > 0) this.#warn('samples are refused', outcome.reason ?? 'the receiver gives no reason');
    this.#count({
      sent: sent + message.samples - lost,
      refused: refused + lost,
      ...(lost < message.samples && { lastSuccessAt: Date.now() / 1000 }),
    });
    this.#remove(message);
  }

  #remove(message: Message): void {
    this.#messages.splice(this.#messages.indexOf(message), 1);
    this.#bytes -= message.body.length;
    this.#count({});
  }

  #count(changed: Partial<PushFigures>): void {
    this.figures = { ...this.figures, ...changed, queueBytes: this.#bytes };
  }
}
