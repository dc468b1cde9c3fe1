/**
 * The bins of a native histogram series in its store: chunks that the series owns beside its classic buckets and its sum,
 * allocated as values arrive. `model/native-bins.ts` explains the bins.
 */
import { type NativeRole, nativeRole } from '../metrics-file/attachment.js';
import {
  Bins,
  coarsePlace,
  COARSE_SCHEMA,
  highWordOf,
  MAX_FINE_CHUNKS,
  type NativeOptions,
  nativeSlots,
  UNUSUAL,
} from '../model/native-bins.js';
import type { NativeReading } from '../model/native-histogram.js';
import { Attachment, attachmentsOf } from '../storage/series.js';
import type { Child } from './child.js';
import { CALLS } from './float-feedback.js';
import { MAY_OVERFLOW } from './invalid-number.js';

/** Numbers of positive chunks are looked up in an array if they are this close to one another. */
const MAX_SPAN = 64;
// copied, since the properties of an imported object are looked up at every use
const NOWHERE = UNUSUAL;
const CEILING = highWordOf(MAY_OVERFLOW);
const NOTHING_PLACED: (Attachment | undefined)[] = [];

export class NativeChunks {
  static #isTaught = false;
  readonly #owner: Child;
  // with an initial value of the final type V8 knows the type of a field, and does not check it at every use
  readonly #bins = Bins.of(COARSE_SCHEMA);
  /** Of the zero threshold. An integer is compared faster than the threshold, and V8 keeps it in the object itself. */
  readonly #floor: number = 0;
  /** The positive chunks by their numbers, from `#first` on: a search among the attachments took 6 ns more. */
  #placed = NOTHING_PLACED;
  #first = 0;

  constructor(owner: Child, bins: Bins, zeroThreshold: number) {
    this.#owner = owner;
    this.#bins = bins;
    this.#floor = highWordOf(zeroThreshold);
    if (!NativeChunks.#isTaught) NativeChunks.#teach(this, zeroThreshold);
  }

  /** Makes `count` see fractions, for the reason that `float-feedback.ts` has: without it an `observe()` took 0.9 ns more on Node 26 (measured). */
  static #teach(chunks: NativeChunks, zeroThreshold: number): void {
    NativeChunks.#isTaught = true;
    const view = new Float64Array(chunks.#bins.chunkMask + 1).fill(0.5);
    const value = Math.max(1.5, 2 * zeroThreshold);
    chunks.#first = chunks.#bins.find(value) >> chunks.#bins.chunkBits;
    const chunk = new Attachment(chunks.#owner, nativeRole(1, 0, COARSE_SCHEMA));
    chunk.view = view;
    chunk.index = 0;
    chunks.#placed = [chunk];
    for (let call = 0; call < CALLS; call++) chunks.count(value);
    chunks.#placed = NOTHING_PLACED;
    chunks.#first = 0;
  }

  /**
   * Counts a value whose bin is found at once. Returns false, and counts nothing, for any other value: zero, negative or very large
   * ones, the first one in a chunk, and a few beside the bound of a bin.
   */
  count(value: number): boolean {
    const bins = this.#bins;
    const bin = bins.findWithin(value, this.#floor, CEILING);
    if (bin === NOWHERE) return false;
    const placed = this.#placed;
    const at = (bin >> bins.chunkBits) - this.#first;
    if (at < 0 || at >= placed.length) return false;
    const chunk = placed[at];
    if (chunk === undefined || chunk.index < 0) return false;
    chunk.view[(chunk.index + (bin & bins.chunkMask)) | 0]++;
    return true;
  }

  addTimes(value: number, times: number): void {
    if (Math.abs(value) <= this.#owner.family.declaration.native!.zeroThreshold) {
      const zero = this.#chunk(nativeRole(0, 0, COARSE_SCHEMA));
      zero.view[zero.index] += times;
      return;
    }
    const { schema, chunkBits, chunkMask } = this.#bins;
    const bin = this.#bins.find(Math.abs(value));
    const role = nativeRole(value > 0 ? 1 : -1, bin >> chunkBits, schema);
    const known = find(this.#owner, role);
    if (known === undefined && schema > COARSE_SCHEMA && fineChunks(this.#owner) >= MAX_FINE_CHUNKS) {
      const { chunk, slot } = coarsePlace(role, bin & chunkMask);
      const coarse = this.#chunk(nativeRole(role.sign, chunk, COARSE_SCHEMA));
      coarse.view[coarse.index + slot] += times;
      return;
    }
    const fine = known ?? this.#chunk(role);
    fine.view[fine.index + (bin & chunkMask)] += times;
    if (role.sign > 0) this.#place(role.chunk, fine);
  }

  read(options: NativeOptions, reading: NativeReading): NativeReading {
    const chunks = attachmentsOf(this.#owner, 'native');
    let zeroCount = 0;
    let { schema } = options;
    for (const { role, view, index } of chunks) {
      if (role.sign === 0) zeroCount = view[index];
      else schema = Math.min(schema, role.schema);
    }
    reading.begin({ ...options, schema }, zeroCount);
    for (const { role, view, index } of chunks) {
      const slots = nativeSlots(role);
      if (role.sign !== 0) reading.addBins(role.sign, role.schema, role.chunk * slots, view, index, slots);
    }
    reading.end();
    return reading;
  }

  #chunk(role: NativeRole): Attachment {
    return find(this.#owner, role) ?? this.#owner.home.store.attachTo(this.#owner, role);
  }

  #place(number: number, chunk: Attachment): void {
    const placed = this.#placed;
    const first = placed.length === 0 ? number : Math.min(this.#first, number);
    const end = placed.length === 0 ? number + 1 : Math.max(this.#first + placed.length, number + 1);
    if (end - first > MAX_SPAN) return;
    const wider: (Attachment | undefined)[] = Array.from({ length: end - first });
    placed.forEach((each, at) => (wider[this.#first - first + at] = each));
    wider[number - first] = chunk;
    this.#placed = wider;
    this.#first = first;
  }
}

/** Makes no array and no closure: it runs at every write of a negative value. */
function find({ attachments = [] }: Child, role: NativeRole): Attachment | undefined {
  for (const attachment of attachments) if (attachment.role === role) return attachment;
  return undefined;
}

function fineChunks(child: Child): number {
  return attachmentsOf(child, 'native').filter(({ role }) => role.schema > COARSE_SCHEMA).length;
}
