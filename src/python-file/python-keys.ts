/**
 * The meaning of the keys of client_python's files: each is the JSON text of `[metric, sample, labels, help]`, and one sample of
 * one series. A key is parsed once for all files, since every process writes the same ones: the first scrape of 32
 * processes with 160,000 keys each would parse five million of them.
 */
import { keyBytes, KeyTable } from '../merge/key-table.js';
import { isLabelName, validateMetricName } from '../model/naming.js';
import type { PythonFileName } from './file-name.js';

/** Which value of a series a sample is. */
type SampleRole = 'value' | 'sum' | 'count' | 'bucket';

interface ParsedKey {
  /** As ours are named: with `_total` where it is a counter. */
  readonly family: string;
  readonly help: string;
  /** In the order of JSON's keys, which client_python sorts; without `le`. */
  readonly labelNames: readonly string[];
  readonly labelValues: readonly string[];
  readonly role: SampleRole;
  /** The upper bound of a bucket. */
  readonly bound: number;
}

/** Every sample that any file of a directory has, by numbers, and where it is in the present index. */
export class PythonSamples {
  #table = new KeyTable();
  readonly #kinds = new Map<string, number>();
  readonly parsed: ParsedKey[] = [];
  /** Per sample the number of its family. */
  readonly familyOf: number[] = [];
  /** Per sample a number that samples of one family with one bound have in common. */
  readonly partOf: number[] = [];
  /** Per sample its merged series and the cell; UNPLACED until a file has placed it. */
  readonly series: number[] = [];
  readonly cells: number[] = [];
  readonly families = new Map<string, number>();
  readonly #parts = new Map<string, number>();
  #generation = 0;

  /** The number of what a file's keys have in common. @param pid where the series of the file have it as a label */
  kindOf({ type, gaugeMode }: PythonFileName, pid: string): number {
    return numberIn(this.#kinds, JSON.stringify([type, gaugeMode, pid]));
  }

  /** Forgets all samples where the index has been restarted: one reason is that it had many of files that are gone. */
  follow(generation: number): void {
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#table = new KeyTable();
    this.parsed.length = this.familyOf.length = this.partOf.length = 0;
    this.series.length = this.cells.length = 0;
  }

  /**
   * The sample of a key, as `DbReader` hands it over.
   *
   * @throws {TypeError} where the bytes are no key
   */
  sampleOf(kind: number, type: PythonFileName['type'], words: Int32Array, from: number, to: number): number {
    const known = this.#table.find(kind, words, from, to);
    if (known >= 0) return known;
    const parsed = parsePythonKey(Buffer.from(keyBytes(words, from)).toString(), type);
    const sample = this.parsed.length;
    this.parsed.push(parsed);
    this.series.push(UNPLACED);
    this.cells.push(0);
    const family = numberIn(this.families, parsed.family);
    this.familyOf.push(family);
    this.partOf.push(numberIn(this.#parts, `${family} ${parsed.bound}`));
    this.#table.add(kind, words, from, to, sample);
    return sample;
  }
}

/** The number of a key, the next one where it is new. */
function numberIn(numbers: Map<string, number>, key: string): number {
  const known = numbers.get(key);
  if (known !== undefined) return known;
  numbers.set(key, numbers.size);
  return numbers.size - 1;
}

export const UNPLACED = -1;

const SUFFIXES: Readonly<Record<PythonFileName['type'], Readonly<Record<string, SampleRole>>>> = {
  counter: { _total: 'value' },
  gauge: { '': 'value' },
  histogram: { _bucket: 'bucket', _sum: 'sum', _count: 'count' },
  summary: { _sum: 'sum', _count: 'count' },
};

/**
 * One key out of bytes that anybody may have written.
 *
 * @throws {TypeError} naming what is wrong with it
 */
function parsePythonKey(text: string, type: PythonFileName['type']): ParsedKey {
  const key: unknown = JSON.parse(text);
  const [metric, sample, labels, help] = Array.isArray(key) ? (key as unknown[]) : [];
  const rule = (holds: boolean, part: string): void => {
    if (!holds) throw new TypeError(`the ${part} of a key is wrong: ${text.slice(0, 200)}`);
  };
  rule(typeof metric === 'string' && validateMetricName(metric), 'metric');
  rule(typeof sample === 'string' && sample.startsWith(metric as string), 'sample');
  const role = SUFFIXES[type][(sample as string).slice((metric as string).length)];
  rule(role !== undefined, 'sample');
  rule(typeof help === 'string', 'help');
  rule(typeof labels === 'object' && labels !== null && !Array.isArray(labels), 'labels');
  const pairs = Object.entries(labels as Record<string, unknown>);
  rule(
    pairs.every(([name, value]) => isLabelName(name) && typeof value === 'string'),
    'labels',
  );
  const own = role === 'bucket' ? pairs.filter(([name]) => name !== 'le') : pairs;
  const bound = role === 'bucket' ? boundOf((labels as Record<string, unknown>).le) : NaN;
  rule(role !== 'bucket' || !Number.isNaN(bound), 'bound');
  rule(type !== 'histogram' || own.every(([name]) => name !== 'le'), 'labels');
  rule(type !== 'summary' || own.every(([name]) => name !== 'quantile'), 'labels');
  return {
    family: type === 'counter' ? (sample as string) : (metric as string),
    help: help as string,
    role,
    bound,
    labelNames: own.map(([name]) => name),
    labelValues: own.map(([, value]) => value as string),
  };
}

/** `le` as Python prints floats: `0.005`, `1.0`, `1e+06`, `+Inf`. */
function boundOf(le: unknown): number {
  if (le === '+Inf') return Infinity;
  return typeof le === 'string' && le.trim() !== '' && Number.isFinite(Number(le)) ? Number(le) : NaN;
}
