import { type FamilyScope, scopeOf } from '../metrics-file/family-scope.js';
import { type FamilyRecord, ownLabelNames } from '../metrics-file/record.js';
import { unionOfBounds } from '../model/buckets.js';
import { comparableTime } from '../model/comparable-time.js';
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

/**
 * A histogram whose processes declare different buckets has the buckets of all, in every series: so many at most, or one
 * file with 100,000 buckets would make a body of half a GB out of an honest one beside it. What does not fit is not merged.
 */
const MAX_JOINED_BOUNDS = 500;

/** Declarations that say the same, in however many files. */
interface Variant {
  readonly record: FamilyRecord;
  declarations: number;
  /** Newest declaration, seconds since the epoch. */
  newest: number;
}

/**
 * One name in one scope, and what all files together declare that it is. Where they disagree (a rolling deploy), the
 * newest declaration wins in type, help, mode and label order, and buckets become the union of all bounds. That is decided
 * once a pass, when all declarations are known (`decide`), and not at each of them: a file may declare a name many times.
 */
export class MergedFamily {
  readonly #variants = new Map<string, Variant>();
  #winner!: Variant;
  /** In all variants. */
  #declarations = 0;
  #isUndecided = false;
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
    return this.#declarations > 0;
  }

  /** Cells that a merged series needs. */
  get cells(): number {
    return this.isGauge ? ACCUMULATOR.slots : this.kind.slots(this);
  }

  /** Takes one more declaration in. */
  declare(record: FamilyRecord): void {
    const key = declarationKey(record, ownLabelNames(record));
    const variant = this.#variants.get(key);
    if (variant !== undefined) {
      variant.declarations++;
      if (record.declaredAt > variant.newest) {
        variant.newest = record.declaredAt;
        this.#isUndecided ||= variant !== this.#winner;
      }
    } else {
      // the last one was kept
      if (this.#declarations === 0) this.#variants.clear();
      this.#variants.set(key, { record, declarations: 1, newest: record.declaredAt });
      if (this.#winner === undefined) this.#choose();
      else this.#isUndecided = true;
    }
    this.#declarations++;
  }

  /** Takes a declaration back: its file is gone. */
  retract(record: FamilyRecord): void {
    const key = declarationKey(record, ownLabelNames(record));
    const variant = this.#variants.get(key);
    if (variant === undefined) return;
    this.#declarations--;
    if (--variant.declarations > 0 || this.#variants.size === 1) return;
    this.#variants.delete(key);
    this.#isUndecided = true;
  }

  /** Decides what it is by all declarations. Returns whether what was merged before has to be merged again. */
  decide(): boolean {
    if (!this.#isUndecided) return false;
    this.#isUndecided = false;
    const { bounds } = this;
    const before = this.#shape();
    this.#choose();
    return this.#shape() !== before || !isSame(this.bounds, bounds);
  }

  /** What the files declare it as. */
  records(): FamilyRecord[] {
    return [...this.#variants.values()].map(({ record, newest }) => ({ ...record, declaredAt: newest }));
  }

  /** Whether series declared so are part of the merged family, if their buckets are among its own. */
  accepts({ type, bounds = [] }: FamilyRecord): boolean {
    if (type !== this.type) return false;
    return this.bounds.length <= MAX_JOINED_BOUNDS || bounds.length === this.bounds.length;
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

  #choose(): void {
    const now = Date.now() / 1000;
    const newestOf = (variants: readonly Variant[]): Variant =>
      variants.reduce((newest, variant) =>
        comparableTime(variant.newest, now) > comparableTime(newest.newest, now) ? variant : newest,
      );
    const all = [...this.#variants.values()];
    const newest = newestOf(all);
    const alike = all.filter(({ record }) => record.type === newest.record.type);
    const modest = alike.filter(({ record }) => (record.bounds ?? []).length <= MAX_JOINED_BOUNDS);
    this.#winner = modest.length === 0 || modest.includes(newest) ? newest : newestOf(modest);
    this.kind = metricKind(this.type);
    this.mode = gaugeMode(this.#winner.record.gaugeMode);
    this.bounds = this.kind.hasBounds ? (this.#winner.record.bounds ?? []) : [];
    if (!this.kind.hasBounds) return;
    for (const { record } of modest) {
      const union = unionOfBounds(this.bounds, record.bounds ?? []);
      if (union.length <= MAX_JOINED_BOUNDS) this.bounds = union;
    }
  }

  #shape(): string {
    const { record } = this.#winner;
    const { window, quantiles, help } = record;
    return JSON.stringify([this.type, this.mode.name, this.labelNames, window, quantiles, record.omit, help]);
  }
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bound, at) => bound === b[at]);
}

/**
 * Where a file's slots of a series with bounds go among the cells of the union of bounds; undefined where the union does
 * not have them all.
 */
export function bucketCells(bounds: readonly number[], union: readonly number[]): Int32Array | undefined {
  const cells = new Int32Array(bounds.length + 2);
  let place = 0;
  for (let at = 0; at < bounds.length; at++) {
    while (union[place] < bounds[at]) place++;
    if (union[place] !== bounds[at]) return undefined;
    cells[at] = place;
  }
  cells[bounds.length] = union.length;
  cells[bounds.length + 1] = union.length + 1;
  return cells;
}
