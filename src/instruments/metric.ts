import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { assertAggregator, gaugeMode } from '../model/gauge-mode.js';
import { assertValueCount, declaredLabelNames } from '../model/label-set.js';
import type { Labels, MetricFamily, MetricType, Sample } from '../model/metric-family.js';
import { createdName, metricKind } from '../model/metric-kind.js';
import { assertNameAndHelp, assertNameValidation, endsWithUnit, isLabelName } from '../model/naming.js';
import { seriesSamples } from '../model/series-samples.js';
import { type NativeReading, writeNativeLines } from '../model/native-histogram.js';
import type { Sketch } from '../model/sketch.js';
import { register } from '../registry/default-registry.js';
import { type Member, MEMBER, type ShowingRegistry } from '../registry/member.js';
import type { CollectRun } from '../storage/collect-updates.js';
import {
  type Aggregator,
  type CollectedMetric,
  type CollectFunction,
  type LabelValues,
  metricObject,
} from '../registry/metric-object.js';
import type { Child } from './child.js';
import { type MetricConfiguration, OPEN_LABELS, type RegistryOfMetrics } from './configuration.js';
import { exemplarOf } from './exemplar-attachment.js';
import { IdleSeries } from './idle-series.js';
import { type ChildMaker, MetricSeries } from './metric-series.js';

/** The properties in which the types of metrics differ. */
export interface Kind<C extends Child> {
  readonly type: MetricType;
  /** The additional fields of its declaration. */
  readonly declaration?: Partial<FamilyDeclaration>;
  readonly child: ChildMaker<C>;
  /** Returns the sketch that the quantiles of a series are computed from. */
  readonly sketch?: (child: C) => Sketch;
  /** Returns the native histogram of a series, which the next call overwrites. */
  readonly native?: (child: C) => NativeReading;
  /** Prepares values to be read. @param collected whether `collect()` succeeded */
  readonly prepareRead?: (series: MetricSeries<C>, collected: boolean) => void;
}

/** The base class of all metrics. Arguments, errors and defaults are those of prom-client 15.1.3. */
export abstract class Metric<T extends string, C extends Child> {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /**
   * The label names as given. Their type is not T: prom-client's types let metrics of other label names stand in for one
   * another.
   */
  readonly labelNames: readonly string[];
  readonly aggregator: Aggregator;
  readonly registers: readonly RegistryOfMetrics[];
  readonly enableExemplars: boolean;
  collect: CollectFunction<any> | undefined;
  /** The series in this process. */
  protected readonly series: MetricSeries<C>;
  readonly [MEMBER]: Member;

  /**
   * @param kindOf called after the configuration has been validated
   * @throws {Error} prom-client's errors, for an invalid configuration and for a name that is already registered
   */
  protected constructor(config: MetricConfiguration<T>, kindOf: (labelNames: readonly string[]) => Kind<C>) {
    assertConfiguration(config);
    this.name = config.name;
    this.help = textOf(config.help);
    this.labelNames = [...(config.labelNames ?? [])];
    this.registers = config.registers ?? [register];
    this.enableExemplars = config.enableExemplars === true;
    this.collect = config.collect;
    const kind = kindOf(this.labelNames);
    this.type = kind.type;
    const mode = kind.declaration?.gaugeMode;
    this.aggregator = config.aggregator ?? (mode === undefined ? 'sum' : (gaugeMode(mode).aggregator as Aggregator));
    const { name, help, type } = this;
    const { unit, maxSeries, expireAfterSeconds } = config;
    if (unit !== undefined) assertUnit(name, type, unit);
    const { nameValidation = 'legacy' } = config;
    const labelNames = declaredLabelNames(this.labelNames, type, nameValidation);
    // an option that is not given is left out: the file cannot represent undefined
    const utf8 = nameValidation === 'utf8' && { nameValidation };
    const more = { ...utf8, ...(unit !== undefined && { unit }), ...(this.aggregator === 'omit' && { omit: true }) };
    const open = OPEN_LABELS in config && { openLabels: true };
    const expiry = expireAfterSeconds !== undefined && { expireAfterSeconds };
    const declaration = { name, help, type, labelNames, ...more, ...open, ...expiry, ...kind.declaration };
    this.series = new MetricSeries(declaration, this.labelNames, this.enableExemplars, maxSeries, kind.child);
    const idle = expireAfterSeconds === undefined ? undefined : new IdleSeries(expireAfterSeconds);
    this[MEMBER] = new MetricMember(this.series, kind, idle);
    this.#register();
    this.series.open();
  }

  /** Removes all series. */
  reset(): void {
    this.series.clear();
  }

  /**
   * Removes, in this process, all series with these label values, whatever their other labels are.
   *
   * @returns the number of removed series
   * @throws {Error} prom-client's error, for a label that was not declared
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where no label is given
   */
  removeMatching(labels: LabelValues<T>): number {
    return this.series.removeMatching(labels);
  }

  /**
   * Returns the values of this process as prom-client's object. It calls `collect()` first, and an error of `collect()`
   * rejects the promise.
   */
  async get(): Promise<CollectedMetric<T>> {
    await this.#collect();
    this[MEMBER].prepareRead(true);
    return metricObject<T>(this[MEMBER].family(), this.aggregator);
  }

  async #collect(): Promise<void> {
    if (this.collect === undefined) return;
    const run = this.series.beginCollect();
    let succeeded = false;
    try {
      await this.collect();
      succeeded = true;
    } finally {
      run.end(succeeded);
    }
  }

  /** Returns the arguments of `labels()` as a label object. */
  protected givenLabels(args: readonly unknown[]): Record<string, unknown> {
    if (typeof args[0] === 'object') return { ...args[0] };
    assertValueCount(this.labelNames, args);
    return Object.fromEntries(this.labelNames.map((name, at) => [name, args[at]]));
  }

  /** Registers the metric in all of its registries, or in none if one refuses it. */
  #register(): void {
    const registered: RegistryOfMetrics[] = [];
    try {
      for (const registry of this.registers) {
        registry.registerMetric(this);
        registered.push(registry);
      }
    } catch (error) {
      for (const registry of registered) registry.removeSingleMetric(this.name);
      throw error;
    }
  }
}

/**
 * A class and not an object of closures, which takes a kilobyte: a program with a registry per request makes many metrics.
 */
class MetricMember<C extends Child> implements Member {
  readonly #series: MetricSeries<C>;
  readonly #kind: Kind<C>;
  readonly #idle: IdleSeries | undefined;

  constructor(series: MetricSeries<C>, kind: Kind<C>, idle: IdleSeries | undefined) {
    this.#series = series;
    this.#kind = kind;
    this.#idle = idle;
  }

  get shared(): boolean {
    return this.#series.shared;
  }

  get declaration(): FamilyDeclaration {
    return this.#series.declaration;
  }

  entered(registry: ShowingRegistry): void {
    this.#series.entered(registry);
  }

  left(registry: ShowingRegistry): void {
    this.#series.left(registry);
  }

  beginCollect(): CollectRun {
    return this.#series.beginCollect();
  }

  prepareRead(collected: boolean): void {
    this.#kind.prepareRead?.(this.#series, collected);
    this.#idle?.expire(this.#series);
  }

  family(withCreated?: boolean): MetricFamily {
    const { declaration, index, stored } = this.#series;
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
}

function labelsOf(names: readonly string[], values: readonly (string | undefined)[]): Labels {
  const labels: Labels = Object.create(null) as Labels;
  for (let at = 0; at < names.length; at++) {
    const value = values[at];
    if (value !== undefined) labels[names[at]] = value;
  }
  return labels;
}

function assertConfiguration(config: MetricConfiguration<string>): void {
  if (config === null || typeof config !== 'object') throw new TypeError('constructor expected a config object');
  const { nameValidation = 'legacy' } = config;
  assertNameValidation(nameValidation);
  assertNameAndHelp(config.name, config.help, nameValidation);
  declaredLabelNames(config.labelNames, 'unknown', nameValidation);
  if (config.collect && typeof config.collect !== 'function') {
    throw new Error('Optional "collect" parameter must be a function');
  }
  if (config.aggregator !== undefined) assertAggregator(config.aggregator);
  const { maxSeries, expireAfterSeconds } = config;
  if (expireAfterSeconds !== undefined && !(typeof expireAfterSeconds === 'number' && expireAfterSeconds > 0)) {
    throw invalidArgument(`expireAfterSeconds is a number above 0, not ${inspect(expireAfterSeconds)}`);
  }
  if (maxSeries !== undefined && !(Number.isInteger(maxSeries) && maxSeries > 0)) {
    throw invalidArgument(`maxSeries is a whole number from 1 up, not ${inspect(maxSeries)}`);
  }
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the option is not a boolean */
export function processWideDeclaration({ processWide }: { processWide?: unknown }): Partial<FamilyDeclaration> {
  if (processWide !== undefined && typeof processWide !== 'boolean') {
    throw invalidArgument(`processWide is true or false, not ${inspect(processWide)}`);
  }
  return processWide === true ? { processWide } : {};
}

/** OpenMetrics 1.0, 4.4.1: the name ends with the unit, a counter's before `_total`. */
function assertUnit(name: string, type: MetricType, unit: string): void {
  const base = metricKind(type).openMetrics?.baseName(name) ?? name;
  if (typeof unit === 'string' && isLabelName(unit) && endsWithUnit(base, unit)) return;
  throw invalidArgument(
    `the unit ${inspect(unit)} does not end the name ${name}: call the metric ${base}_${unit}, or leave the unit out`,
  );
}

/** prom-client accepts any truthy value as a help text; the file stores a string. */
function textOf(help: unknown): string {
  return String(help);
}
