/**
 * Reads and writes one exemplar cell: EXEMPLAR in layout.ts draws the bytes. The writer makes the sequence odd, writes, and
 * makes it even again, so that a reader recognises a cell that is being written. The checksum finds cells that are torn
 * nevertheless, because a plain `read` does not copy all bytes at one instant.
 */
import type { Exemplar } from '../model/metric-family.js';
import { crc32 } from './crc32.js';
import { LITTLE_ENDIAN } from '../model/byte-order.js';
import { EXEMPLAR } from './layout.js';
import { pack } from './pack.js';
import { unpack } from './unpack.js';

/** An exemplar as it is read from a cell. */
export type ExemplarReading = Exemplar & { timestamp: number };

const WORDS_PER_SLOT = Float64Array.BYTES_PER_ELEMENT / Int32Array.BYTES_PER_ELEMENT;

/**
 * Writes an exemplar into the cell at a slot of a block.
 *
 * @returns false, with the cell unchanged, where the labels do not fit (names and values of 128 characters always fit)
 */
export function writeExemplarCell(block: Float64Array, slot: number, exemplar: ExemplarReading): boolean {
  const labels = pack(exemplar.labels);
  if (EXEMPLAR.labels + labels.length > EXEMPLAR.bytes) return false;
  const start = block.byteOffset + slot * Float64Array.BYTES_PER_ELEMENT;
  const words = new Int32Array(block.buffer, start, WORDS_PER_SLOT);
  const bytes = new Uint8Array(block.buffer, start, EXEMPLAR.bytes);
  const view = new DataView(block.buffer, start, EXEMPLAR.bytes);
  const sequence = words[EXEMPLAR.sequence] | 1;
  Atomics.store(words, EXEMPLAR.sequence, sequence);
  view.setFloat64(EXEMPLAR.value, exemplar.value, LITTLE_ENDIAN);
  view.setFloat64(EXEMPLAR.timestamp, exemplar.timestamp, LITTLE_ENDIAN);
  view.setUint32(EXEMPLAR.length, labels.length, LITTLE_ENDIAN);
  bytes.set(labels, EXEMPLAR.labels);
  view.setUint32(EXEMPLAR.crc, crc32(bytes, EXEMPLAR.value, EXEMPLAR.labels + labels.length), LITTLE_ENDIAN);
  Atomics.store(words, EXEMPLAR.sequence, (sequence + 1) | 0);
  return true;
}

/** The exemplar in the cell at a slot of a block's values; undefined where the cell is empty or torn. */
export function readExemplarCell(values: Float64Array, slot: number): ExemplarReading | undefined {
  if (slot < 0 || slot * Float64Array.BYTES_PER_ELEMENT + EXEMPLAR.bytes > values.byteLength) return undefined;
  const start = values.byteOffset + slot * Float64Array.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(values.buffer, start, EXEMPLAR.bytes);
  const view = new DataView(values.buffer, start, EXEMPLAR.bytes);
  const sequence = view.getUint32(EXEMPLAR.sequence, LITTLE_ENDIAN);
  if (sequence === 0 || sequence % 2 === 1) return undefined;
  const end = EXEMPLAR.labels + view.getUint32(EXEMPLAR.length, LITTLE_ENDIAN);
  if (end > EXEMPLAR.bytes || view.getUint32(EXEMPLAR.crc, LITTLE_ENDIAN) !== crc32(bytes, EXEMPLAR.value, end)) {
    return undefined;
  }
  const labels: unknown = unpack(bytes.subarray(EXEMPLAR.labels, end));
  if (typeof labels !== 'object' || labels === null) return undefined;
  const pairs = Object.entries(labels);
  if (!pairs.every(([, value]) => typeof value === 'string')) return undefined;
  return {
    labels: Object.assign(Object.create(null), Object.fromEntries(pairs)),
    value: view.getFloat64(EXEMPLAR.value, LITTLE_ENDIAN),
    timestamp: view.getFloat64(EXEMPLAR.timestamp, LITTLE_ENDIAN),
  };
}
