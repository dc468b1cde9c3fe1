/** Damage that knows nothing of a file's format, and the odd numbers and values that all damage is made of. */
import type { Random } from './random.js';

/** A damaged file, and what was done to it: `a file that <name>`. */
export interface DamagedFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Numbers that lengths, counts and offsets break at. */
const EDGES = [
  ...[0, 1, 2, 7, 8, 63, 64, 4095, 4096, 65_535, 65_537],
  ...[2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 8, 2 ** 32 - 1],
];

/** What may stand where something else is expected. */
export const ODDITIES: readonly unknown[] = [
  ...[null, true, '', 'x', 'pid', 'le', '__proto__', 'jobs_total', 'a\n# TYPE b counter\nb 1', '\ud800'],
  ...[-1, 0, 0.5, 1e308, NaN, Infinity, 2 ** 31, 2 ** 32, 2 ** 53],
  ...[[], [0], [0, 0], [1, 0], [0, 1e9], ['a', 'a'], [NaN], {}, { seconds: 0, count: 0 }, { seconds: 1, count: 1e9 }],
];

export const BYTE_MUTATIONS: Readonly<Record<string, (bytes: Buffer, random: Random) => Buffer>> = {
  'is cut off': (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  'goes on behind its end': (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.below(5000))]),
  'is random from somewhere on': (bytes, random) => {
    const from = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, from), random.bytes(Math.min(bytes.length - from, 3000))]);
  },
  'has bits flipped': (bytes, random) =>
    changed(bytes, (copy) => {
      for (let left = 1 + random.below(8); left > 0; left--) flipBit(copy, random.below(copy.length), random);
    }),
};

export function changed(bytes: Buffer, change: (copy: Buffer) => void): Buffer {
  const copy = Buffer.from(bytes);
  change(copy);
  return copy;
}

export function flipBit(bytes: Buffer, at: number, random: Random): void {
  if (at < bytes.length) bytes[at] ^= 1 << random.below(8);
}

export function edgeOrAny(random: Random): number {
  return random.next() < 0.7 ? random.of(EDGES) : random.below(2 ** 32);
}

/** How often something is made many times: mostly a few times, so that a million files are had, sometimes 500 times. */
export function many(random: Random): number {
  return random.next() < 0.1 ? 500 : 2 + random.below(40);
}
