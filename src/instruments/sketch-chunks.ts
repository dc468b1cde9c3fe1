/**
 * The sketch of a summary series in its store: chunks of bins that the series owns beside its sum and count, allocated as
 * values arrive. SKETCH in `layout.ts` shows the layout of a chunk, and `model/sketch.ts` explains the bins.
 */
import { SKETCH } from '../metrics-file/layout.js';
import { BIN_BITS, BIN_MASK, isWindowAlive, placeOf, type Sign, Sketch, windowEpoch } from '../model/sketch.js';
import type { SketchRole } from '../metrics-file/attachment.js';
import { type Attachment, attachmentsOf } from '../storage/series.js';
import type { Child } from './child.js';

/** The sliding windows of quantiles; undefined: the quantiles are those of all time. */
export type SlidingWindow = { readonly seconds: number; readonly count: number } | undefined;

// copied, since the properties of an imported object are looked up at every use
const { bins: BINS, windowSlots: WINDOW_SLOTS } = SKETCH;

/** A power of two. Chunks of 16 octaves per sign, such as 0.1 ms to 6 s, have different places in the cache. */
const CACHED = 64;
const NOTHING_CACHED: (Attachment | undefined)[] = Array.from({ length: CACHED });

export class SketchChunks {
  readonly #owner: Child;
  readonly #window: SlidingWindow;
  /**
   * The chunks that were used last, by `cacheIndexOf`. A write finds its chunk here in 2 ns, and in a Map in 8. A chunk that
   * was removed from the series has no slots any more and is not used.
   */
  #cached = NOTHING_CACHED;

  constructor(owner: Child, window: SlidingWindow) {
    this.#owner = owner;
    this.#window = window;
  }

  add(value: number): void {
    const sign: Sign = value > 0 ? 1 : value < 0 ? -1 : 0;
    const place = sign === 0 ? 0 : placeOf(value);
    const number = place >> BIN_BITS;
    let chunk = this.#cached[cacheIndexOf(sign, number)];
    if (chunk === undefined || chunk.index < 0 || !isOf(chunk, sign, number)) chunk = this.#chunk(sign, number);
    const { view, index } = chunk;
    const at = this.#window === undefined ? index : currentWindow(view, index, this.#window);
    view[at + 1 + (place & BIN_MASK)]++;
  }

  /** Returns a sketch of the values that have not expired. */
  read(): Sketch {
    const sketch = new Sketch();
    const epoch = currentEpoch(this.#window);
    for (const { role, view, index } of attachmentsOf(this.#owner, 'sketch')) {
      const { sign, chunk, windows } = role;
      const bins = sketch.chunk(sign, chunk);
      for (let at = index; at < index + windows * WINDOW_SLOTS; at += WINDOW_SLOTS) {
        if (!isWindowAlive(view[at], epoch, windows)) continue;
        for (let bin = 0; bin < BINS; bin++) bins[bin] += view[at + 1 + bin];
      }
    }
    return sketch;
  }

  /** Releases chunks whose windows have all expired. */
  releaseExpired(): void {
    const epoch = currentEpoch(this.#window);
    for (const chunk of attachmentsOf(this.#owner, 'sketch')) {
      const { windows } = chunk.role;
      let alive = false;
      for (let window = 0; window < windows; window++) {
        alive ||= isWindowAlive(chunk.view[chunk.index + window * WINDOW_SLOTS], epoch, windows);
      }
      if (!alive) this.#owner.home.store.detachFrom(this.#owner, chunk);
    }
  }

  clear(): void {
    for (const chunk of attachmentsOf(this.#owner, 'sketch')) this.#owner.home.store.detachFrom(this.#owner, chunk);
    this.#cached = NOTHING_CACHED;
  }

  /** Finds the chunk among those of the series, or allocates it. */
  #chunk(sign: Sign, number: number): Attachment {
    let chunk = chunkOf(this.#owner, sign, number);
    if (chunk === undefined) {
      const { count: windows, seconds: windowSeconds } = this.#window ?? { count: 1, seconds: 0 };
      const role: SketchRole = { kind: 'sketch', sign, chunk: number, windows, windowSeconds };
      chunk = this.#owner.home.store.attachTo(this.#owner, role);
      if (this.#window === undefined) chunk.view[chunk.index] = 1;
    }
    if (this.#cached === NOTHING_CACHED) this.#cached = NOTHING_CACHED.slice();
    this.#cached[cacheIndexOf(sign, number)] = chunk;
    return chunk;
  }
}

function cacheIndexOf(sign: Sign, number: number): number {
  return ((number << 2) + sign + 1) & (CACHED - 1);
}

function isOf(chunk: Attachment, sign: Sign, number: number): boolean {
  const role = chunk.role as SketchRole;
  return role.chunk === number && role.sign === sign;
}

/** Makes no array and no closure for the search: it runs at every write if values of very different sizes alternate. */
function chunkOf({ attachments = [] }: Child, sign: Sign, number: number): Attachment | undefined {
  for (const attachment of attachments) {
    if (attachment.role.kind === 'sketch' && isOf(attachment, sign, number)) return attachment;
  }
  return undefined;
}

/** Returns the number of the current window; 1 without sliding. */
export function currentEpoch(window: SlidingWindow): number {
  return windowEpoch(Date.now() / 1000, window?.seconds ?? 0);
}

/** Returns the index of the current window, and empties the window if it belongs to another time. */
function currentWindow(view: Float64Array, index: number, window: NonNullable<SlidingWindow>): number {
  const epoch = currentEpoch(window);
  const at = index + (epoch % window.count) * WINDOW_SLOTS;
  if (view[at] !== epoch) {
    // readers skip a window of epoch 0, so that none of them takes old counts as new
    view[at] = 0;
    view.fill(0, at + 1, at + WINDOW_SLOTS);
    view[at] = epoch;
  }
  return at;
}
