/**
 * One of client_python's files as a part of the merge. Its samples become cells of the same index that our files are merged
 * in, by the same rules: those of client_python's own collector, after which our gauge modes were made.
 */
import { NOWHERE, type MergeIndex } from '../merge/merge-index.js';
import type { MergedFamily } from '../merge/merged-family.js';
import type { MergedPart, ProcessState } from '../merge/merged-part.js';
import type { FamilyRecord } from '../metrics-file/record.js';
import { comparableTime } from '../model/comparable-time.js';
import { gaugeMode } from '../model/gauge-mode.js';
import { widened } from '../model/widened.js';
import type { DbReader } from './db-reader.js';
import type { PythonFileName } from './file-name.js';
import { type PythonSamples, UNPLACED } from './python-keys.js';

/** The registry whose output shows Python's metrics. */
const REGISTRIES = ['default'];
/** They take about a millisecond, where their texts are new. */
const ENTRIES_PER_STEP = 1024;
/** Of a gauge that has no time: it is set. */
const SOME_TIME = 1;

interface LocalFamily {
  /** Place in the order in which the file has its families. */
  readonly place: number;
  readonly bounds: number[];
  record: FamilyRecord;
  merged: MergedFamily | undefined;
}

export class PythonView implements MergedPart {
  order = -1;
  readonly #index: MergeIndex;
  readonly #reader: DbReader;
  readonly #name: PythonFileName;
  readonly #samples: PythonSamples;
  readonly #kind: number;
  readonly #pid: ReadonlyMap<string, string>;
  #state: ProcessState = 'live';
  isRewound = false;
  /** By the numbers of families in the list of samples. */
  readonly #families: (LocalFamily | undefined)[] = [];
  /** The parts of families (`PythonSamples.partOf`) that are declared. */
  readonly #parts: boolean[] = [];
  /** Per entry of the file; the reader has its sample. */
  #cells = new Int32Array(0);
  #placed = 0;
  /** The merged series that this file has, once each. */
  readonly #series = new Set<number>();
  /** Those of which a value was left out. */
  readonly #unusable = new Set<number>();

  constructor(index: MergeIndex, reader: DbReader, name: PythonFileName, samples: PythonSamples) {
    this.#index = index;
    this.#reader = reader;
    this.#name = name;
    this.#samples = samples;
    const pid = gaugeMode(name.gaugeMode).perProcess && name.type === 'gauge' ? name.pid : '';
    this.#pid = new Map(pid === '' ? [] : [['pid', pid]]);
    this.#kind = samples.kindOf(name, pid);
  }

  set state(state: ProcessState) {
    if (state === this.#state) return;
    this.#state = state;
    if (this.#name.type === 'gauge') this.rewind();
  }

  get seriesCount(): number {
    return this.#series.size;
  }

  /**
   * Takes in new keys, and reads all values. Pauses where there are many of them.
   *
   * @throws {BadFileError} where the file breaks the format; the system's error where it cannot be read
   */
  *read(): Generator<void, void> {
    this.isRewound = false;
    this.#samples.follow(this.#index.generation);
    const { type } = this.#name;
    yield* this.#reader.readKeys((words, from, to) => {
      try {
        return this.#samples.sampleOf(this.#kind, type, words, from, to);
      } catch (error) {
        throw this.#reader.corrupt(String(error));
      }
    });
    if (this.#placed < this.#reader.entries) yield* this.#place();
    yield* this.#reader.readValues();
  }

  rewind(): void {
    this.isRewound = true;
    this.#forgetSeries();
    this.#reader.rewind();
  }

  remove(): void {
    this.#forgetSeries();
    for (const family of this.#families) {
      if (family?.merged !== undefined) this.#index.retract(family.merged, family.record);
    }
    this.#families.length = this.#parts.length = 0;
  }

  declareOrder(): void {
    for (const family of this.#families) {
      if (family?.merged !== undefined) this.#index.order(family.merged, this.order, family.place);
    }
  }

  declareCreated(): void {
    for (const series of this.#series) this.#index.noteCreated(series, this.#reader.bornAt);
  }

  addValues(nowSeconds: number): void {
    this.#unusable.clear();
    const { values, timestamps, numbers } = this.#reader;
    const { cells } = this.#index;
    const map = this.#cells;
    if (this.#name.type !== 'gauge') {
      for (let entry = 0; entry < this.#placed; entry++) {
        if (Number.isFinite(values[entry])) cells[map[entry]] += values[entry];
        else this.#unusable.add(this.#samples.series[numbers[entry]]);
      }
      return;
    }
    for (let entry = 0; entry < this.#placed; entry++) {
      const cell = map[entry];
      if (cell === NOWHERE) continue;
      const sample = numbers[entry];
      const family = this.#families[this.#samples.familyOf[sample]]!;
      const { mode } = family.merged!;
      const setAt = mode.timed ? timestamps[entry] : SOME_TIME;
      if (setAt === 0) continue;
      if (isLeftOut(family)) this.#retain(this.#samples.series[sample]);
      if (mode.perProcess && cells[cell + 2] > 0) this.#index.pidConflicts++;
      mode.reduce(cells, cell, values[entry], comparableTime(setAt, nowSeconds));
    }
  }

  unusableFamilies(): string[] {
    return [...this.#unusable].map((series) => this.#index.familyOf(series).name);
  }

  *ownValues(family: MergedFamily): Generator<readonly [series: number, value: number]> {
    for (let entry = 0; entry < this.#placed; entry++) {
      const series = this.#samples.series[this.#reader.numbers[entry]];
      if (this.#cells[entry] !== NOWHERE && this.#index.familyOf(series) === family) {
        yield [series, this.#reader.values[entry]];
      }
    }
  }

  *ownCounts(family: MergedFamily): Generator<readonly [series: number, count: number]> {
    // each of the other types has several samples a series
    if (family.type === 'counter') yield* this.ownValues(family);
  }

  /** Gives every new entry its cell. */
  *#place(): Generator<void, void> {
    this.#declareFamilies();
    const { entries, numbers } = this.#reader;
    if (this.#cells.length < entries) {
      this.#cells = widened(this.#cells, Math.max(entries, 2 * this.#cells.length));
    }
    const { series, cells, familyOf } = this.#samples;
    let number = -1;
    let [isCounted, isRetained] = [false, false];
    let last = UNPLACED;
    for (; this.#placed < entries; this.#placed++) {
      if (this.#placed % ENTRIES_PER_STEP === ENTRIES_PER_STEP - 1) yield;
      const sample = numbers[this.#placed];
      if (familyOf[sample] !== number) {
        number = familyOf[sample];
        isCounted = this.#counts(this.#families[number]!);
        isRetained = !isLeftOut(this.#families[number]!);
      }
      this.#cells[this.#placed] = NOWHERE;
      if (!isCounted) continue;
      if (series[sample] === UNPLACED) this.#placeSample(sample, this.#families[number]!.merged!);
      if (cells[sample] === NOWHERE) continue;
      this.#cells[this.#placed] = cells[sample];
      // the samples of a series are next to each other
      if (!isRetained || series[sample] === last) continue;
      last = series[sample];
      this.#retain(last);
    }
  }

  #retain(series: number): void {
    if (this.#series.has(series)) return;
    this.#series.add(series);
    this.#index.retain(series, this.#reader.bornAt);
  }

  #counts({ record, merged }: LocalFamily): boolean {
    if (merged === undefined || !merged.accepts(record)) return false;
    return record.type !== 'gauge' || this.#state === 'live' || !(merged.mode.live || gaugeMode(record.gaugeMode).live);
  }

  /** Declares the families of new entries, and again those of which there are more buckets. */
  #declareFamilies(): void {
    const { parsed, familyOf, partOf } = this.#samples;
    const { entries, numbers } = this.#reader;
    const changed = new Set<number>();
    for (let entry = this.#placed; entry < entries; entry++) {
      const sample = numbers[entry];
      const part = partOf[sample];
      if (this.#parts[part]) continue;
      this.#parts[part] = true;
      const number = familyOf[sample];
      const family = (this.#families[number] ??= this.#newFamily(sample));
      const { role, bound } = parsed[sample];
      if (role === 'bucket' && bound !== Infinity) family.bounds.push(bound);
      changed.add(number);
    }
    for (const number of changed) this.#declare(this.#families[number]!);
  }

  #newFamily(sample: number): LocalFamily {
    const { family: name, help, labelNames } = this.#samples.parsed[sample];
    const { type, gaugeMode: mode } = this.#name;
    const record: FamilyRecord = {
      ...{ id: 0, name, help, type, labelNames, gaugeMode: mode },
      ...{ registries: REGISTRIES, declaredAt: this.#reader.bornAt, undated: true },
    };
    const place = this.#families.filter((each) => each !== undefined).length;
    return { place, bounds: [], record, merged: undefined };
  }

  #declare(family: LocalFamily): void {
    if (family.merged !== undefined) this.#index.retract(family.merged, family.record);
    const bounds = this.#name.type === 'histogram' ? [...family.bounds].toSorted((a, b) => a - b) : undefined;
    family.record = { ...family.record, bounds };
    family.merged = this.#index.declare(family.record);
    if (this.order >= 0 && family.merged !== undefined) this.#index.order(family.merged, this.order, family.place);
  }

  #placeSample(sample: number, merged: MergedFamily): void {
    const { role, bound, labelNames, labelValues } = this.#samples.parsed[sample];
    const schema = this.#index.schema(merged, labelNames, this.#pid);
    // the label that tells processes apart wins over one of the same name
    const values = labelValues.map((value, at) => (this.#pid.has(labelNames[at]) ? undefined : value));
    const series = this.#index.seriesOfText(merged, schema.text(values));
    this.#samples.series[sample] = series;
    const offset = offsetOf(role, bound, merged);
    this.#samples.cells[sample] = offset < 0 ? NOWHERE : this.#index.cellOf[series] + offset;
  }

  #forgetSeries(): void {
    // a stale index forgets all series by itself
    if (!this.#index.stale) for (const series of this.#series) this.#index.dereference(series, this.#reader.bornAt);
    this.#series.clear();
    this.#placed = 0;
  }
}

/** Whether a gauge has no line before it is set: client_python shows none in the modes that go by time. */
function isLeftOut({ merged }: LocalFamily): boolean {
  return merged!.isGauge && merged!.mode.timed;
}

/** Which of the cells of a merged series a sample is; -1: it is derived from others. */
function offsetOf(role: string, bound: number, { kind, bounds, native }: MergedFamily): number {
  if (role === 'bucket') {
    const place = bound === Infinity ? bounds.length : bounds.indexOf(bound);
    // client_python counts no bins
    return native === undefined || place < 0 ? place : bounds.length + 2 + place;
  }
  if (!kind.hasBounds) return role === 'count' ? 1 : 0;
  return role === 'sum' ? bounds.length + 1 : -1;
}
