/**
 * Address space for a mapped file. A growable SharedArrayBuffer reserves its greatest length as a mapping of its own, outside
 * the heap, and the engine unmaps all of it when it frees the buffer, with whatever was mapped over it meanwhile: of 2,000
 * files that were mapped and collected none was left (ran on Node 20 to 26). Views of a fixed length on it are as fast as
 * those on other memory, and `process.memoryUsage()` and V8's garbage collector count none of it.
 */
import { readFileSync } from 'node:fs';

/** Larger than the pages of any system: 64 KiB on some ARM and POWER machines. */
const GRANULE_BYTES = 64 * 1024;
/** Of a limited address space, V8 needs nearly all: of 1 GiB Node 22 takes 800 MiB at its start (ran). */
const LARGEST_PART_OF_LIMIT = 1 / 32;

/**
 * Reserves address space; nothing of it may be touched before a file is mapped over it.
 *
 * @throws {Error} where there is too little, as under `ulimit -v`
 */
export function reserve(bytes: number): SharedArrayBuffer {
  const maxByteLength = Math.ceil(bytes / GRANULE_BYTES) * GRANULE_BYTES;
  if (maxByteLength > addressSpaceLimit() * LARGEST_PART_OF_LIMIT) throw new Error('the address space is limited');
  return new SharedArrayBuffer(GRANULE_BYTES, { maxByteLength });
}

/**
 * Refuses a buffer that is part of a heap: a file that is mapped over it would take its neighbours away, and its pages would
 * go back to the heap when the buffer is freed.
 *
 * @throws {Error} where it is not a mapping of its own, as far as the system tells
 */
export function assertReserved(address: bigint, buffer: SharedArrayBuffer): void {
  // one that was mapped before has passed
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

function contents(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
