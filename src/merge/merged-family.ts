import { type FamilyScope, scopeOf } from '../metrics-file/family-scope.js';
import { type FamilyRecord, ownLabelNames } from '../metrics-file/record.js';
import { unionOfBounds } from '../model/buckets.js';
import { comparableTime } from '../model/comparable-time.js';
import { ACCUMULATOR, gaugeMode, type GaugeMode } from '../model/gauge-mode.js';
import type { NativeCells } from './native-cells.js';
import { type MetricKind, metricKind } from '../model/metric-kind.js';
import type { Exemplar, MetricType } from '../model/metric-family.js';
import { lowestOptions, type NativeOptions } from '../model/native-bins.js';
import type { Sketch } from '../model/sketch.js';
import { declarationKey } from '../model/family-declaration.js';

/** The labels of merged series, as an exposition prints them. */
interface SeriesTexts {
  of(series: number): string;
  /** Writes the text of a series to the beginning of `bytes`. Returns its length, or -1 where it has to be made as a string. */
  write(series: number): number;
  readonly bytes: Uint8Array;
}

/** Where the values of merged series are stored. */
export interface MergedCells {
  readonly cells: Float64Array;
  /** Per series: its first cell, and the created time of its oldest part. */
  readonly cellOf: Int32Array;
  readonly createdAt: Float64Array;
  readonly texts: SeriesTexts;
  readonly sketches: ReadonlyMap<number, Sketch>;
  readonly exemplars: ReadonlyMap<number, Exemplar>;
  readonly native: Pick<NativeCells, 'cells' | 'of' | 'countOf' | 'changedAt' | 'merge'>;
  isShown(series: number, family: MergedFamily): boolean;
  shownSeries(family: MergedFamily): Generator<void, Int32Array>;
  gaugeValue(series: number, mode: GaugeMode): number;
}

/** The buckets of a histogram, of one declaration or of the merged family. */
export interface Buckets {
  readonly bounds?: readonly number[];
  readonly native?: NativeOptions;
  /** Of a native histogram: it has a second set of cells, for the buckets of processes that count no bins. */
  readonly hasClassicOnly?: boolean;
}

/**
 * The property in which two declarations of one name differ; `name`: the family names differ, but they have lines of one
 * name.
 */
export type ConflictReason = 'type' | 'help' | 'gauge_mode' | 'buckets' | 'labels' | 'name';

/**
 * A histogram whose processes declare different buckets has the union of them in every series. The union is limited to this
 * size: otherwise one file with 100,000 buckets and one honest file would make a response of half a GB. Declarations that
 * do not fit are not merged.
 */
const MAX_JOINED_BOUNDS = 500;

/** A family that another one combines. */
interface FamilyPart {
  readonly family: MergedFamily;
  /** Converts the label text of a series to that of the combined family. */
  readonly spell: (text: string) => string;
}

/** Equal declarations, in any number of files. */
interface Variant {
  readonly record: FamilyRecord;
  /** Number of declarations by their time, in seconds since the epoch. */
  readonly times: Map<number, number>;
  /** Time of the newest declaration. */
  newest: number;
}

/**
 * One name in one scope, with the declaration that results from all files. Where files disagree (during a rolling deploy),
 * type, help, mode and label order are those of the newest declaration, and buckets are the union of all bounds. `decide`
 * computes that once per pass, when all declarations are known: a file may declare a name many times.
 */
export class MergedFamily {
  readonly #variants = new Map<string, Variant>();
  #winner!: Variant;
  /** Number of declarations in all variants. */
  #declarations = 0;
  #isUndecided = false;
  kind!: MetricKind;
  bounds: readonly number[] = [];
  /** Of all declarations. */
  labelNames: readonly string[] = [];
  /**
   * Labels that are printed first, in this order, before the others in the order of their names. They are those of the newest
   * declaration: a fold may drop another one, which has no series, and must not change the text of those that remain. An Info
   * has those of the others too, because a process declares it before it sets the first pairs.
   */
  firstLabels: readonly string[] = [];
  native: NativeOptions | undefined;
  hasClassicOnly = false;
  mode: GaugeMode = gaugeMode(undefined);
  /** Position of the first declaration in the order of files; families are sorted by it. */
  order: readonly [file: number, family: number] = [Infinity, Infinity];
  /** Numbers of its series. */
  readonly series: number[] = [];
  /** Number of them, from the first on, that are in the order of their texts. */
  sorted = 0;
  /** Label text without empty labels → series; only where two keys could otherwise make one series twice. */
  byText: Map<string, number> | undefined;
  schemas = 0;
  /** Number of its series that a file has. */
  referenced = 0;
  readonly name: string;
  readonly scope: FamilyScope;
  /** Names of labels that are default labels in some file, as `addedDefaultLabels` returns them. */
  readonly defaultLabels = new Set<string>();
  /** The families that this one combines; only itself, unless an output combines several. */
  parts: readonly FamilyPart[] = [{ family: this, spell: (text) => text }];

  /** @param index to which the numbers of its series belong */
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
  /** Whether series are merged by the mode, and not by addition. */
  get isGauge(): boolean {
    return this.kind.block === 'gauge';
  }
  get help(): string {
    return this.#winner.record.help;
  }
  get unit(): string | undefined {
    return this.#winner.record.unit;
  }
  /** Whether processes add labels, which are then sorted by their names. */
  get isOpen(): boolean {
    return this.#winner.record.openLabels === true;
  }
  get quantiles(): readonly number[] {
    return this.#winner.record.quantiles ?? [];
  }
  /** Time of the last declaration, in seconds since the epoch. */
  get declaredAt(): number {
    return this.#winner.newest;
  }
  get hidden(): boolean {
    return this.#winner.record.omit === true || this.mode.hidden;
  }
  /** Whether its series have `_created` samples: not where a file without creation times has a part of them. */
  get hasCreated(): boolean {
    return this.kind.hasCreated && ![...this.#variants.values()].some(({ record }) => record.undated === true);
  }
  /** Whether a file still declares it. The last declaration is kept afterwards, because the family may return. */
  get isDeclared(): boolean {
    return this.#declarations > 0;
  }

  /** Cells that a merged series needs. */
  get cells(): number {
    if (this.isGauge) return ACCUMULATOR.slots;
    return this.kind.slots(this) + (this.hasClassicOnly ? this.bounds.length + 1 : 0);
  }

  forgetSeries(): void {
    this.series.length = this.sorted = this.schemas = this.referenced = 0;
    this.byText = undefined;
  }

  /** Records names of default labels that files add to the keys of series. */
  noteDefaultLabels(names: Iterable<string>): void {
    for (const name of names) this.defaultLabels.add(name);
  }

  /** Adds a declaration. */
  declare(record: FamilyRecord): void {
    const { labelNames, bakedLabels = 0 } = record;
    const own = ownLabelNames(record).length;
    this.noteDefaultLabels(labelNames.slice(own, own + bakedLabels));
    if (this.#declarations === 0) this.#variants.clear();
    const key = variantKey(record);
    const variant = this.#variants.get(key);
    if (variant !== undefined) {
      variant.times.set(record.declaredAt, (variant.times.get(record.declaredAt) ?? 0) + 1);
      if (record.declaredAt > variant.newest) {
        variant.newest = record.declaredAt;
        this.#isUndecided ||= variant !== this.#winner;
      }
    } else {
      this.#variants.set(key, { record, times: new Map([[record.declaredAt, 1]]), newest: record.declaredAt });
      if (this.#winner === undefined) this.#choose();
      else this.#isUndecided = true;
    }
    this.#declarations++;
  }

  /** Removes a declaration: its file was removed. */
  retract(record: FamilyRecord): void {
    const key = variantKey(record);
    const variant = this.#variants.get(key);
    if (variant === undefined) return;
    // the last declaration is kept until the next one
    if (--this.#declarations === 0) return;
    const { times } = variant;
    const left = times.get(record.declaredAt)! - 1;
    if (left > 0) {
      times.set(record.declaredAt, left);
      return;
    }
    times.delete(record.declaredAt);
    if (times.size === 0) this.#variants.delete(key);
    else if (record.declaredAt < variant.newest) return;
    else variant.newest = [...times.keys()].reduce((newest, time) => Math.max(newest, time));
    this.#isUndecided = true;
  }

  /** Computes the resulting declaration. Returns whether all values have to be merged again. */
  decide(): boolean {
    if (!this.#isUndecided) return false;
    this.#isUndecided = false;
    const { bounds } = this;
    const before = this.#shape();
    this.#choose();
    return this.#shape() !== before || !isSame(this.bounds, bounds);
  }

  /** The different declarations of all files. */
  records(): FamilyRecord[] {
    return [...this.#variants.values()].map(({ record, newest }) => ({ ...record, declaredAt: newest }));
  }

  /** Whether series with this declaration belong to the merged family, provided that its buckets include theirs. */
  accepts({ type, bounds = [] }: FamilyRecord): boolean {
    if (type !== this.type) return false;
    return this.bounds.length <= MAX_JOINED_BOUNDS || bounds.length === this.bounds.length;
  }

  /** The properties in which the declarations differ. */
  conflicts(): ConflictReason[] {
    if (this.#variants.size < 2) return [];
    const properties: [ConflictReason, (record: FamilyRecord) => unknown][] = [
      ['type', ({ type }) => type],
      ['help', ({ help }) => help],
      ['gauge_mode', (record) => record.gaugeMode],
      ['buckets', ({ bounds }) => bounds],
      // the order has no meaning, and client_python's files do not keep it
      ['labels', (record) => this.isOpen || ownLabelNames(record).toSorted()],
    ];
    const records = this.records();
    const differ = (of: (record: FamilyRecord) => unknown): boolean =>
      new Set(records.map((record) => JSON.stringify(of(record)))).size > 1;
    return properties.filter(([, of]) => differ(of)).map(([reason]) => reason);
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
    // the order must not depend on the order of files, where times are equal
    const named = all.map(({ record, newest: time }) => ({ time, own: ownLabelNames(record) }));
    named.sort((a, b) => b.time - a.time || (a.own.join() < b.own.join() ? -1 : 1));
    this.kind = metricKind(this.type);
    const ofWinner = ownLabelNames(this.#winner.record);
    const names = [...new Set([...ofWinner, ...named.flatMap(({ own }) => own)])];
    this.labelNames = this.isOpen ? names.toSorted() : names;
    if (this.isOpen) this.firstLabels = [];
    else this.firstLabels = this.kind.endsWithProcess ? names : ofWinner;
    this.mode = gaugeMode(this.#winner.record.gaugeMode);
    this.bounds = this.kind.hasBounds ? (this.#winner.record.bounds ?? []) : [];
    this.native = lowestOptions(alike.flatMap(({ record }) => record.native ?? []));
    this.hasClassicOnly = this.native !== undefined && alike.some(({ record }) => record.native === undefined);
    if (!this.kind.hasBounds) return;
    for (const { record } of modest) {
      const union = unionOfBounds(this.bounds, record.bounds ?? []);
      if (union.length <= MAX_JOINED_BOUNDS) this.bounds = union;
    }
  }

  #shape(): string {
    const { record } = this.#winner;
    const { window, quantiles, help } = record;
    const native = [this.native !== undefined, this.hasClassicOnly];
    const labelNames = this.isOpen ? undefined : [this.labelNames, this.firstLabels];
    const { mode, hasCreated } = this;
    return JSON.stringify([this.type, mode.name, labelNames, window, quantiles, record.omit, help, native, hasCreated]);
  }
}

function variantKey(record: FamilyRecord): string {
  return `${record.undated === true} ${declarationKey(record, ownLabelNames(record))}`;
}

function isSame(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bound, at) => bound === b[at]);
}

/**
 * Maps the slots of a series with bounds, in a file or in a part of a combined family, to the cells of the merged family:
 * per bound, +Inf, sum, and again per bound and +Inf where some processes count no bins. Undefined where the merged family
 * lacks one of the bounds.
 */
export function bucketCells(
  { bounds = [], native, hasClassicOnly = false }: Buckets,
  { bounds: union, native: mergedNative }: Buckets & { readonly bounds: readonly number[] },
): Int32Array | undefined {
  const places: number[] = [];
  for (const bound of bounds) {
    const place = union.indexOf(bound, places.at(-1) ?? 0);
    if (place < 0) return undefined;
    places.push(place);
  }
  const buckets = [...places, union.length];
  const classicOnly = buckets.map((place) => union.length + 2 + place);
  const counts = mergedNative !== undefined && native === undefined ? classicOnly : buckets;
  return Int32Array.from([...counts, union.length + 1, ...(hasClassicOnly ? classicOnly : [])]);
}
