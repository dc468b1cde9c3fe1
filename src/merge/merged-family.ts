import { type FamilyScope, scopeOf } from '../metrics-file/family-scope.js';
import { type FamilyRecord, ownLabelNames } from '../metrics-file/record.js';
import { unionOfBounds } from '../model/buckets.js';
import { ACCUMULATOR, gaugeMode, type GaugeMode } from '../model/gauge-mode.js';
import { type MetricKind, metricKind } from '../model/metric-kind.js';
import type { Exemplar, MetricType } from '../model/metric-family.js';
import type { Sketch } from '../model/sketch.js';
import { declarationKey } from '../model/family-declaration.js';

/** Where the values of merged series are. */
export interface MergedCells {
  readonly cells: Float64Array;
  /** Per series its first cell, its labels as an exposition prints them, and when the oldest part of it was made. */
  readonly cellOf: readonly number[];
  readonly textOf: readonly string[];
  readonly createdAt: readonly number[];
  readonly sketches: ReadonlyMap<number, Sketch>;
  readonly exemplars: ReadonlyMap<number, Exemplar>;
  isShown(series: number, family: MergedFamily): boolean;
  shownSeries(family: MergedFamily): number[];
  gaugeValue(series: number, mode: GaugeMode): number;
}

/** In what two declarations of one name disagree; `name`: their names differ, and lines of theirs have one name. */
export type ConflictReason = 'type' | 'help' | 'gauge_mode' | 'buckets' | 'labels' | 'name';

/** Declarations that say the same, in however many files. */
interface Variant {
  readonly record: FamilyRecord;
  declarations: number;
  /** Newest declaration, seconds since the epoch. */
  newest: number;
}

/**
 * One name in one scope, and what all files together declare that it is. Where they disagree (a rolling deploy), the
 * newest declaration wins in type, help, mode and label order, and buckets become the union of all bounds.
 */
export class MergedFamily {
  readonly #variants = new Map<string, Variant>();
  #winner!: Variant;
  kind!: MetricKind;
  bounds: readonly number[] = [];
  mode: GaugeMode = gaugeMode(undefined);
  /** Of the first file that declared it, in the order of files; for the order of families. */
  order: readonly [file: number, family: number] = [Infinity, Infinity];
  /** Numbers of its series. */
  readonly series: number[] = [];
  /** Label text, without empty labels, to series: only where two keys might make one series twice. */
  byText: Map<string, number> | undefined;
  schemas = 0;
  /** How many of its series some file has. */
  referenced = 0;
  readonly name: string;
  readonly scope: FamilyScope;
  /** The families that this one shows together; itself, unless an output combines several. */
  parts: readonly MergedFamily[] = [this];

  /** @param index what its series are numbers in */
  constructor(
    readonly index: MergedCells,
    readonly number: number,
    record: FamilyRecord,
  ) {
    this.name = record.name;
    this.scope = scopeOf(record);
  }

  get type(): MetricType {
    return this.#winner.record.type;
  }
  /** Whether series merge by the mode, and not by addition. */
  get isGauge(): boolean {
    return this.kind.block === 'gauge';
  }
  get help(): string {
    return this.#winner.record.help;
  }
  get unit(): string | undefined {
    return this.#winner.record.unit;
  }
  get labelNames(): readonly string[] {
    return ownLabelNames(this.#winner.record);
  }
  get quantiles(): readonly number[] {
    return this.#winner.record.quantiles ?? [];
  }
  get window(): { readonly seconds: number; readonly count: number } | undefined {
    return this.#winner.record.window;
  }
  /** When it was declared last, in seconds since the epoch. */
  get declaredAt(): number {
    return this.#winner.newest;
  }
  get hidden(): boolean {
    return this.#winner.record.omit === true || this.mode.hidden;
  }
  /** Whether any file declares it still. The last declaration is kept beyond that, for it may come back. */
  get isDeclared(): boolean {
    for (const { declarations } of this.#variants.values()) if (declarations > 0) return true;
    return false;
  }

  /** Cells that a merged series needs. */
  get cells(): number {
    return this.isGauge ? ACCUMULATOR.slots : this.kind.slots(this);
  }

  /**
   * Takes one more declaration in. Answers whether what was merged under the old ones has to be merged anew.
   */
  declare(record: FamilyRecord): boolean {
    const key = declarationKey(record, ownLabelNames(record));
    const variant = this.#variants.get(key);
    if (variant !== undefined) {
      variant.declarations++;
      if (record.declaredAt <= variant.newest) return false;
      variant.newest = record.declaredAt;
      return variant !== this.#winner && this.#decide();
    }
    const first = this.#variants.size === 0;
    for (const [old, { declarations }] of this.#variants) if (declarations === 0) this.#variants.delete(old);
    this.#variants.set(key, { record, declarations: 1, newest: record.declaredAt });
    return this.#decide() && !first;
  }

  /** Takes a declaration back: its file is gone. */
  retract(record: FamilyRecord): boolean {
    const key = declarationKey(record, ownLabelNames(record));
    const variant = this.#variants.get(key);
    if (variant === undefined || --variant.declarations > 0) return false;
    if (this.#variants.size === 1) return false;
    this.#variants.delete(key);
    return this.#decide();
  }

  /** What the files declare it as. */
  records(): FamilyRecord[] {
    return [...this.#variants.values()].map(({ record, newest }) => ({ ...record, declaredAt: newest }));
  }

  /** Whether series declared so are part of the merged family. */
  accepts(record: FamilyRecord): boolean {
    return record.type === this.type;
  }

  /** What the declarations disagree in. */
  conflicts(): ConflictReason[] {
    if (this.#variants.size < 2) return [];
    const reasons: ConflictReason[] = [];
    const differ = (what: (record: FamilyRecord) => unknown): boolean =>
      new Set([...this.#variants.values()].map(({ record }) => JSON.stringify(what(record)))).size > 1;
    if (differ((record) => record.type)) reasons.push('type');
    if (differ((record) => record.help)) reasons.push('help');
    if (differ((record) => record.gaugeMode)) reasons.push('gauge_mode');
    if (differ((record) => record.bounds)) reasons.push('buckets');
    // the order is a matter of taste, and client_python's files do not have it
    if (differ((record) => ownLabelNames(record).toSorted())) reasons.push('labels');
    return reasons;
  }

  /** Decides anew who wins; answers whether the shape of merged series changed. */
  #decide(): boolean {
    const before = this.#winner === undefined ? '' : this.#shape();
    let winner: Variant | undefined;
    for (const variant of this.#variants.values()) {
      if (winner === undefined || variant.newest > winner.newest) winner = variant;
    }
    this.#winner = winner!;
    this.kind = metricKind(this.type);
    this.mode = gaugeMode(this.#winner.record.gaugeMode);
    this.bounds = [];
    for (const { record } of this.#variants.values()) {
      if (this.kind.hasBounds && this.accepts(record)) this.bounds = unionOfBounds(this.bounds, record.bounds ?? []);
    }
    return this.#shape() !== before;
  }

  #shape(): string {
    const { record } = this.#winner;
    const { window, quantiles } = record;
    return JSON.stringify([this.type, this.mode.name, this.bounds, this.labelNames, window, quantiles, record.omit]);
  }
}

/** Where a file's slots of a series with bounds go among the cells of the union of bounds. */
export function bucketCells(bounds: readonly number[], union: readonly number[]): Int32Array {
  const cells = new Int32Array(bounds.length + 2);
  for (let at = 0; at < bounds.length; at++) cells[at] = union.indexOf(bounds[at]);
  cells[bounds.length] = union.length;
  cells[bounds.length + 1] = union.length + 1;
  return cells;
}
