import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { assertAggregator, gaugeMode } from '../model/gauge-mode.js';
import { declaredLabelNames } from '../model/label-set.js';
import type { MetricType } from '../model/metric-family.js';
import { metricKind } from '../model/metric-kind.js';
import { assertNameAndHelp, assertNameValidation, endsWithUnit, isLabelName } from '../model/naming.js';
import { register } from '../registry/default-registry.js';
import { type Member, MEMBER } from '../registry/member.js';
import {
  type Aggregator,
  type CollectedMetric,
  type CollectFunction,
  type LabelValues,
  metricObject,
} from '../registry/metric-object.js';
import type { Child } from './child.js';
import { type MetricConfiguration, OPEN_LABELS, type RegistryOfMetrics } from './configuration.js';
import { type Kind, MetricSeries } from './metric-series.js';

/** The base class of all metrics. Arguments, errors and defaults are those of prom-client 15.1.3. */
export abstract class Metric<T extends string, C extends Child> {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** As given. The type is not T: prom-client's types let metrics of other label names stand in for one another. */
  readonly labelNames: readonly string[];
  readonly aggregator: Aggregator;
  readonly registers: readonly RegistryOfMetrics[];
  readonly enableExemplars: boolean;
  collect: CollectFunction<any> | undefined;
  /** The series in this process. */
  protected readonly series: MetricSeries<C>;

  /**
   * @param kindOf called after the configuration has been validated
   * @throws {Error} prom-client's errors, for an invalid configuration and for a name that is already registered
   */
  protected constructor(config: MetricConfiguration<T>, kindOf: (labelNames: readonly string[]) => Kind<C>) {
    assertConfiguration(config);
    this.name = config.name;
    // prom-client accepts any truthy value; the file stores a string
    const help: unknown = config.help;
    this.help = String(help);
    this.labelNames = [...(config.labelNames ?? [])];
    this.registers = config.registers ?? [register];
    this.enableExemplars = config.enableExemplars === true;
    this.collect = config.collect;
    const kind = kindOf(this.labelNames);
    this.type = kind.type;
    const mode = kind.declaration?.gaugeMode;
    this.aggregator = config.aggregator ?? (mode === undefined ? 'sum' : (gaugeMode(mode).aggregator as Aggregator));
    const { name, type } = this;
    const { unit, maxSeries, expireAfterSeconds } = config;
    if (unit !== undefined) assertUnit(name, type, unit);
    const { nameValidation = 'legacy' } = config;
    const labelNames = declaredLabelNames(this.labelNames, type, nameValidation);
    // an option that is not given is left out: the file cannot represent undefined
    const utf8 = nameValidation === 'utf8' && { nameValidation };
    const more = { ...utf8, ...(unit !== undefined && { unit }), ...(this.aggregator === 'omit' && { omit: true }) };
    const open = OPEN_LABELS in config && { openLabels: true };
    const expiry = expireAfterSeconds !== undefined && { expireAfterSeconds };
    const declaration = { name, help: this.help, type, labelNames, ...more, ...open, ...expiry, ...kind.declaration };
    this.series = new MetricSeries(declaration, this.labelNames, this.enableExemplars, maxSeries, kind);
    this.#register();
    this.series.open();
  }

  get [MEMBER](): Member {
    return this.series;
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

  /** Returns the values of this process as prom-client's object, after `collect()`, whose error rejects the promise. */
  async get(): Promise<CollectedMetric<T>> {
    await this.#collect();
    this.series.prepareRead(true);
    return metricObject<T>(this.series.family(), this.aggregator);
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
