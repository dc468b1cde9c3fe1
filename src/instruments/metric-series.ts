/**
 * The series of one metric: their store, and the child for given labels.
 *
 * A metric that merged output shows is in the shared store of the process. Any other metric (its registries are local, or it
 * has none) is in a store that holds no references, so that the metric is collected as garbage when the program drops it. A
 * metric that is registered later moves to the shared store, and its children are bound again.
 */
import { invalidArgument } from '../errors.js';
import { assertLabelsDeclared, assertValueCount, labelValue } from '../model/label-set.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import type { Labels, MetricFamily, MetricType, Sample } from '../model/metric-family.js';
import { createdName, metricKind } from '../model/metric-kind.js';
import { type NativeReading, writeNativeLines } from '../model/native-histogram.js';
import { seriesSamples } from '../model/series-samples.js';
import type { Sketch } from '../model/sketch.js';
import { THIS_COPY } from '../copies.js';
import type { Member, ShowingRegistry } from '../registry/member.js';
import type { LabelIndex } from '../storage/label-index.js';
import { localStore } from '../storage/local-store.js';
import { sharedStore } from '../storage/process-store.js';
import type { AttachmentRole } from '../metrics-file/attachment.js';
import type { CollectRun } from '../storage/collect-updates.js';
import type { SeriesStore } from '../storage/series-store.js';
import type { StoredFamily } from '../storage/stored-family.js';
import { warnOnce } from '../warn-once.js';
import type { Child, ChildHome } from './child.js';
import { exemplarOf } from './exemplar-attachment.js';
import { IdleSeries } from './idle-series.js';

type LabelValues = readonly (string | undefined)[];

/** The properties in which the types of metrics differ. */
export interface Kind<C extends Child> {
  readonly type: MetricType;
  /** The additional fields of its declaration. */
  readonly declaration?: Partial<FamilyDeclaration>;
  child(home: ChildHome, labelValues: LabelValues): C;
  /** Returns the sketch that the quantiles of a series are computed from. */
  sketch?(child: C): Sketch;
  /** Returns the native histogram of a series, if it has one. The next call overwrites it. */
  native?(child: C): NativeReading | undefined;
  /** Prepares values to be read. @param collected whether `collect()` succeeded */
  prepareRead?(series: MetricSeries<C>, collected: boolean): void;
}

/** The values of a series while it moves from one store to another. */
interface SeriesSnapshot<C extends Child> {
  readonly child: C;
  readonly createdAt: number;
  readonly values: Float64Array;
  readonly attachments: readonly { readonly role: AttachmentRole; readonly values: Float64Array }[];
}

const NONE: readonly ShowingRegistry[] = [];

export class MetricSeries<C extends Child> implements ChildHome, Member {
  index!: LabelIndex<C>;
  /** The copy of this package that the metric belongs to: metrics of other copies may share its family. */
  readonly copy = THIS_COPY;
  stored!: StoredFamily<C, ChildHome>;
  declaration: FamilyDeclaration;
  /** The label names that the user gave, duplicates included: `labels('a', 'b')` has one value for each. */
  readonly #givenNames: readonly string[];
  /** The number of values of a series, if there are no duplicate names. */
  readonly #arity: number;
  readonly #maxSeries: number | undefined;
  readonly #kind: Kind<C>;
  readonly #idle: IdleSeries | undefined;
  /** The registries that show the metric in merged output. */
  #registries: readonly ShowingRegistry[] = NONE;
  #store: SeriesStore | undefined;

  constructor(
    declaration: FamilyDeclaration,
    givenNames: readonly string[],
    readonly exemplars: boolean,
    maxSeries: number | undefined,
    kind: Kind<C>,
  ) {
    this.declaration = declaration;
    this.#givenNames = givenNames;
    this.#arity = givenNames.length === declaration.labelNames.length ? givenNames.length : NaN;
    this.#maxSeries = maxSeries;
    this.#kind = kind;
    const { expireAfterSeconds } = declaration;
    this.#idle = expireAfterSeconds === undefined ? undefined : new IdleSeries(expireAfterSeconds);
  }

  get store(): SeriesStore {
    return this.#store!;
  }

  get shared(): boolean {
    return this.#registries.length > 0;
  }

  /** Declares the family in its store. Call it once, when the metric has been registered. */
  open(): void {
    this.#declareIn(this.#rightStore());
  }

  beginCollect(): CollectRun {
    return this.store.beginCollect(this.stored);
  }

  prepareRead(collected: boolean): void {
    this.#kind.prepareRead?.(this, collected);
    this.#idle?.expire(this);
  }

  family(withCreated?: boolean): MetricFamily {
    const { declaration, index, stored } = this;
    const { name, help, type, unit, labelNames } = declaration;
    const samples: Sample[] = [];
    const { lines: linesOf, writeValues, exemplarSuffix, hasCreated } = metricKind(type);
    const created = withCreated === true && hasCreated ? createdName(name, type) : undefined;
    const lines = linesOf(declaration);
    const values = new Float64Array(lines.length);
    for (const child of index) {
      if (stored.idle?.has(child) === true) continue;
      const native = this.#kind.native?.(child);
      const { view, index: slot } = child;
      if (native === undefined) writeValues(view, slot, declaration, this.#kind.sketch?.(child), values, 0);
      else writeNativeLines(view, slot, declaration.bounds?.length ?? 0, native.count, undefined, values, 0);
      const labels = labelsOf(labelNames, child.labelValues);
      const exemplarAt = (line: number) => (exemplarSuffix === undefined ? undefined : exemplarOf(child, line));
      samples.push(...seriesSamples(lines, labels, values, exemplarAt));
      if (native !== undefined) samples[samples.length - 1].native = native.toPlain();
      if (created !== undefined) samples.push({ name: created, labels, value: child.createdAt });
    }
    return { name, help, type, unit, samples };
  }

  entered(registry: ShowingRegistry): void {
    if (!this.#registries.includes(registry)) this.#registries = [...this.#registries, registry];
    this.#rehome();
  }

  left(registry: ShowingRegistry): void {
    this.#registries = this.#registries.filter((other) => other !== registry);
    this.#rehome();
  }

  ofObject(labels: Readonly<Record<string, unknown>>): C {
    return this.index.findObject(labels) ?? this.#ofUnknownObject(labels);
  }

  /** Returns the child for the arguments of `labels()`: values in the order of the names, or a label object. */
  ofArguments(args: readonly unknown[]): C {
    const known = args.length === this.#arity ? this.index.findValues(args) : undefined;
    return known ?? this.ofObject(this.givenLabels(args));
  }

  /** Returns the arguments of `labels()` as a label object. */
  givenLabels(args: readonly unknown[]): Record<string, unknown> {
    const [first] = args;
    if (typeof first === 'object') return (first ?? {}) as Record<string, unknown>;
    assertValueCount(this.#givenNames, args);
    return Object.fromEntries(this.#givenNames.map((name, at) => [name, args[at]]));
  }

  dropUncountable(value: number): false {
    this.store.dropSample(this.stored, 'value');
    const { name } = this.declaration;
    warnOnce(
      `uncountable ${name}`,
      `${name} was given ${value}, which cannot be added to it; such samples are dropped and counted in prom_multiproc_dropped_samples_total`,
    );
    return false;
  }

  objectOf(labelValues: LabelValues): Record<string, string> {
    return { ...labelsOf(this.declaration.labelNames, labelValues) };
  }

  ofValues(labelValues: LabelValues): C {
    return this.index.find(labelValues) ?? this.#kind.child(this, labelValues);
  }

  attached(child: C): C | undefined {
    const { twin } = child;
    if (twin !== undefined && twin.index >= 0) return twin;
    child.twin = this.index.find(child.labelValues);
    if (child.twin !== undefined) return child.twin;
    child.family = this.stored;
    return this.store.attach(child) ? child : undefined;
  }

  remove(child: C): void {
    if (child.index >= 0) this.store.detach(child);
  }

  removeMatching(labels: Readonly<Record<string, unknown>>): number {
    const { labelNames } = this.declaration;
    assertLabelsDeclared(labelNames, labels);
    const wanted = Object.keys(labels).map((name) => [labelNames.indexOf(name), labelValue(labels[name])] as const);
    if (wanted.length === 0) {
      throw invalidArgument('removeMatching() takes labels; reset() removes all series');
    }
    // Prometheus treats a label with an empty value as absent
    const isMatch = ({ labelValues }: C): boolean =>
      wanted.every(([at, value]) => (labelValues[at] || undefined) === (value || undefined));
    const matching = [...this.index].filter(isMatch);
    for (const child of matching) this.remove(child);
    return matching.length;
  }

  clear(): void {
    for (const child of this.index) this.store.detach(child);
  }

  /** Adds labels, which existing series do not have. The series stay in place, so that readers never miss one. */
  addLabelNames(added: readonly string[]): void {
    this.stored.widen(added);
    this.declaration = this.stored.declaration;
    // publishes the declaration before the next series
    this.store.setRegistries(this.stored, this.#registryNames(), this);
  }

  #ofUnknownObject(labels: Readonly<Record<string, unknown>>): C {
    const { labelNames } = this.declaration;
    assertLabelsDeclared(labelNames, labels);
    const values: (string | undefined)[] = labelNames.map(() => undefined);
    for (const name in labels) {
      // prom-client prints a label whose value is undefined as "undefined", and omits a label that is absent
      values[labelNames.indexOf(name)] = labelValue(labels[name] ?? `${labels[name]}`);
    }
    const known = this.index.find(values);
    if (known === undefined) return this.#kind.child(this, values);
    for (let at = 0; at < labelNames.length; at++) {
      const value = labels[labelNames[at]];
      if (typeof value === 'number' || typeof value === 'boolean') this.index.addAlias(at, value);
    }
    return known;
  }

  #rightStore(): SeriesStore {
    return this.shared ? sharedStore() : localStore();
  }

  #registryNames(): string[] {
    return [...new Set(this.#registries.flatMap((registry) => registry.shownAs))];
  }

  #rehome(): void {
    if (this.#store === undefined) return;
    const store = this.#rightStore();
    if (store === this.#store) {
      store.setRegistries(this.stored, this.#registryNames(), this);
      return;
    }
    // values that several metrics counted together stay in place
    const snapshots = this.stored.holders.length > 1 ? [] : this.#snapshots();
    this.#store.forget(this.stored, this);
    this.#restoreIn(store, snapshots);
  }

  #snapshots(): SeriesSnapshot<C>[] {
    return [...this.index].map((child) => ({
      child,
      createdAt: child.createdAt,
      values: child.view.slice(child.index, child.index + this.stored.slots),
      attachments: (child.attachments ?? []).map(({ role, view, index, shape: { slots } }) => ({
        role,
        values: view.slice(index, index + slots),
      })),
    }));
  }

  #restoreIn(store: SeriesStore, snapshots: readonly SeriesSnapshot<C>[]): void {
    this.#declareIn(store);
    for (const { child, createdAt, values, attachments } of snapshots) {
      child.family = this.stored;
      child.createdAt = createdAt;
      if (!store.attach(child)) continue;
      child.view.set(values, child.index);
      for (const attachment of attachments) {
        const { view, index } = store.attachTo(child, attachment.role);
        view.set(attachment.values, index);
      }
    }
  }

  #declareIn(store: SeriesStore): void {
    this.#store = store;
    this.stored = store.declare<C, ChildHome>(this.declaration, this.#registryNames(), this.#maxSeries, this);
    this.index = this.stored.series;
  }
}

function labelsOf(names: readonly string[], values: LabelValues): Labels {
  const labels: Labels = Object.create(null) as Labels;
  for (let at = 0; at < names.length; at++) {
    const value = values[at];
    if (value !== undefined) labels[names[at]] = value;
  }
  return labels;
}
