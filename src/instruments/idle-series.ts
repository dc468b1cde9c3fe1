import type { Child, ChildHome } from './child.js';

interface Seen {
  readonly values: Float64Array;
  /** `performance.now()` at the comparison that found these values first. */
  since: number;
}

/**
 * Finds series whose slots have not changed for some time. Writes store no time, to keep the hot path fast; each time the
 * metric is read, the slots are compared with those of the previous read.
 */
export class IdleSeries {
  readonly #expireAfterMs: number;
  readonly #seen = new WeakMap<Child, Seen>();

  constructor(expireAfterSeconds: number) {
    this.#expireAfterMs = expireAfterSeconds * 1000;
  }

  expire({ declaration, stored, store }: ChildHome): void {
    if (declaration.labelNames.length === 0) return;
    const now = performance.now();
    const { slots } = stored;
    for (const child of stored.series) {
      const { view, index } = child;
      const seen = this.#seen.get(child);
      if (seen === undefined) {
        this.#seen.set(child, { values: view.slice(index, index + slots), since: now });
      } else if (!seen.values.every((value, at) => Object.is(value, view[index + at]))) {
        seen.values.set(view.subarray(index, index + slots));
        seen.since = now;
        store.idle.revive(child);
      } else if (now - seen.since > this.#expireAfterMs && stored.idle?.has(child) !== true) {
        store.idle.expire(child);
        if (child.index < 0) this.#seen.delete(child);
      }
    }
  }
}
