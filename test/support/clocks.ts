import os from 'node:os';
import type { TestContext } from 'node:test';

/** The wall clock and the uptime of this machine, as this process sees them until the test ends. */
export class Clocks {
  readonly #start = Date.now() / 1000;
  #bootedAt = -os.uptime();
  #passed = 0;
  #wrongBy = 0;

  constructor(t: TestContext) {
    t.mock.method(os, 'uptime', () => this.#passed - this.#bootedAt);
    t.mock.method(Date, 'now', () => this.now * 1000);
  }

  /** What the wall clock shows, in seconds since the epoch. */
  get now(): number {
    return this.#start + this.#passed + this.#wrongBy;
  }

  pass(seconds: number): void {
    this.#passed += seconds;
  }

  /** The machine starts again, so that the uptime tells nothing about the time before. */
  restart(): void {
    this.#bootedAt = this.#passed;
  }

  /** @param seconds since the epoch; undefined: the right time */
  set(seconds: number | undefined): void {
    this.#wrongBy = seconds === undefined ? 0 : seconds - this.#start - this.#passed;
  }
}
