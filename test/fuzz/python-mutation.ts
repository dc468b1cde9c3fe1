/** Ways of damaging a file of client_python: its keys and lengths have no checksum, so that every lie is well formed. */
import { pythonEntry, type PythonEntry, pythonFile } from '../support/python-file.js';
import { BYTE_MUTATIONS, changed, type DamagedFile, edgeOrAny, flipBit, many, ODDITIES } from './byte-mutation.js';
import type { Random } from './random.js';

/** A whole file, as the entries that it is made of. */
export interface WholePythonFile {
  readonly entries: readonly PythonEntry[];
  readonly hasTimestamps: boolean;
}

type Mutate = (file: WholePythonFile, random: Random) => Buffer;

/** The parts of a key: metric, sample, labels, help. */
type Key = [metric: string, sample: string, labels: Record<string, unknown>, help: string];

const VALUES = [NaN, Infinity, -Infinity, -1, -0, 0, 0.5, 1e308, 5e-324, 2 ** 53];

const PYTHON_MUTATIONS: Readonly<Record<string, Mutate>> = {
  ...Object.fromEntries(
    Object.entries(BYTE_MUTATIONS).map(([name, mutate]): [string, Mutate] => [
      name,
      (file, random) => mutate(bytesOf(file), random),
    ]),
  ),
  'has another number of bytes in use': (file, random) =>
    changed(bytesOf(file), (copy) => {
      const used = random.next() < 0.5 ? 8 * random.below(copy.length / 8) : edgeOrAny(random);
      copy.writeUInt32LE(used, 0);
    }),
  'has another length in an entry': (file, random) =>
    joined(file, (parts) => random.of(parts).writeUInt32LE(edgeOrAny(random), 0)),
  'has bits of an entry flipped': (file, random) =>
    joined(file, (parts) => {
      const part = random.of(parts);
      flipBit(part, random.below(part.length), random);
    }),
  'has entries in another order': (file, random) => joined(file, (parts) => random.swap(parts)),
  'lacks an entry': (file, random) => joined(file, (parts) => parts.splice(random.below(parts.length), 1)),
  'has an entry twice': (file, random) =>
    joined(file, (parts) => parts.splice(random.below(parts.length), 0, random.of(parts))),
  'has an entry of the other layout': (file, random) =>
    joined(file, (parts) => {
      parts[random.below(parts.length)] = pythonEntry(random.of(file.entries), !file.hasTimestamps);
    }),
  'has other values': (file, random) =>
    bytesOf({
      ...file,
      entries: file.entries.map((entry) =>
        random.next() < 0.5 ? entry : { ...entry, value: random.of(VALUES), timestamp: random.of(VALUES) },
      ),
    }),
  'has other bytes in a key': (file, random) =>
    withKey(file, random, (key) => {
      const bytes = Buffer.from(key);
      bytes[1 + random.below(bytes.length - 1)] = random.of([0, 0x22, 0x2c, 0x5c, 0x5d, 0x7d, 0xff, random.below(256)]);
      return bytes.toString('latin1');
    }),
  'has an odd part in a key': (file, random) =>
    withKey(file, random, (text) => {
      const key = JSON.parse(text) as unknown[];
      key[random.below(5)] = random.of(ODDITIES);
      return JSON.stringify(key);
    }),
  'has an odd label in a key': (file, random) =>
    withKey(file, random, (text) => {
      const [metric, sample, labels, help] = JSON.parse(text) as Key;
      const name = random.of([...Object.keys(labels), 'le', 'quantile', 'pid', '__name__', '0', '', 'ä']);
      const value = random.of([...ODDITIES, '+Inf', '-Inf', 'NaN', '1', '1.0', ' 1', '0x1', '1e999']);
      return JSON.stringify([metric, sample, { ...labels, [name]: value }, help]);
    }),
  'has an entry many times, each time otherwise': (file, random) => {
    const entry = random.of(file.entries);
    const change = random.of(MULTIPLICATIONS);
    const more = Array.from({ length: many(random) }, (_, at): PythonEntry => {
      const key = JSON.parse(entry.key) as Key;
      return { ...entry, key: JSON.stringify(change(key, at, random)) };
    });
    return bytesOf({ ...file, entries: [...file.entries, ...more] });
  },
};

const MULTIPLICATIONS: readonly ((key: Key, at: number, random: Random) => Key)[] = [
  // the same series with another spelling of its bound
  ([metric, sample, labels, help], at, random) => [
    metric,
    sample,
    { ...labels, le: `${random.below(30)}.${at}` },
    help,
  ],
  ([metric, sample, labels, help], at, random) => [metric, sample, { ...labels, le: `${random.below(3)}e${at}` }, help],
  ([metric, sample, labels, help], at) => [metric, sample, { ...labels, path: `/${at}` }, help],
  ([metric, sample, labels], at) => [metric, sample, labels, `Help ${at}`],
  ([metric, sample, , help], at, random) => [
    ...([metric, sample] as const),
    Object.fromEntries(Array.from({ length: random.below(100) }, (_, place) => [`l${at}_${place}`, 'x'])),
    help,
  ],
  ([metric, sample, labels, help], at) => [`${metric}_${at}`, sample.replace(metric, `${metric}_${at}`), labels, help],
];

export const PYTHON_MUTATION_NAMES: readonly string[] = Object.keys(PYTHON_MUTATIONS);

/** One of the damages. */
export function mutatePython(file: WholePythonFile, random: Random): DamagedFile {
  const name = random.of(PYTHON_MUTATION_NAMES);
  return { name, bytes: PYTHON_MUTATIONS[name](file, random) };
}

function bytesOf({ entries, hasTimestamps }: WholePythonFile): Buffer {
  return pythonFile(entries, hasTimestamps);
}

/** The file with other entries, as if they were written one after the other. */
function joined({ entries, hasTimestamps }: WholePythonFile, change: (parts: Buffer[]) => unknown): Buffer {
  const parts = entries.map((entry) => pythonEntry(entry, hasTimestamps));
  change(parts);
  const head = Buffer.alloc(8);
  head.writeUInt32LE(parts.reduce((sum, { length }) => sum + length, 8));
  return Buffer.concat([head, ...parts, Buffer.alloc(64)]);
}

function withKey(file: WholePythonFile, random: Random, change: (key: string) => string): Buffer {
  const at = random.below(file.entries.length);
  const entries = file.entries.map((entry, place) => (place === at ? { ...entry, key: change(entry.key) } : entry));
  return bytesOf({ ...file, entries });
}
