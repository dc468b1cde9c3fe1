/**
 * Address space for a mapped file. For a growable SharedArrayBuffer the engine reserves the maximum length as a separate
 * mapping, outside the heap. When it frees the buffer, it unmaps all of it, with any file that was mapped over it: after
 * 2,000 files were mapped and collected none was left (tested on Node 20 to 26). Views of a fixed length on it are as fast as
 * those on other memory, and neither `process.memoryUsage()` nor V8's garbage collector counts any of it.
 */
import { contents } from './open-file.js';

/** At least the page size of any system: some ARM and POWER machines have 64 KiB. */
const GRANULE_BYTES = 64 * 1024;
/** V8 needs nearly all of a limited address space: of 1 GiB, Node 22 takes 800 MiB at its start (measured). */
const LARGEST_PART_OF_LIMIT = 1 / 32;

/**
 * Reserves address space, which must not be touched before a file is mapped over it.
 *
 * @throws {Error} where there is too little, as under `ulimit -v`
 */
export function reserve(bytes: number): SharedArrayBuffer {
  const maxByteLength = Math.ceil(bytes / GRANULE_BYTES) * GRANULE_BYTES;
  if (maxByteLength > addressSpaceLimit() * LARGEST_PART_OF_LIMIT) throw new Error('the address space is limited');
  return new SharedArrayBuffer(GRANULE_BYTES, { maxByteLength });
}

/**
 * Refuses a buffer that is part of a heap: a file that is mapped over it would replace neighbouring data, and its pages
 * would return to the heap when the buffer is freed.
 *
 * @throws {Error} where it is not a separate mapping, as far as the system tells
 */
export function assertReserved(address: bigint, buffer: SharedArrayBuffer): void {
  // a buffer that was mapped before has passed this check
  if (buffer.byteLength === buffer.maxByteLength) return;
  const start = address + BigInt(buffer.byteLength);
  const end = address + BigInt(buffer.maxByteLength);
  for (const [, from, to, access] of contents('/proc/self/maps').matchAll(/^([0-9a-f]+)-([0-9a-f]+) (\S+)/gm)) {
    if (BigInt(`0x${from}`) > start || BigInt(`0x${to}`) < end) continue;
    if (access === '---p') return;
    throw new Error('the engine does not reserve address space for growable buffers');
  }
  if (process.platform === 'linux') throw new Error('the buffer is not a mapping of its own');
}

let limit: number | undefined;

/** In bytes; read once. */
function addressSpaceLimit(): number {
  limit ??= Number(/^Max address space\s+(\d+)/m.exec(contents('/proc/self/limits'))?.[1] ?? Infinity);
  return limit;
}
