import { inspect } from 'node:util';
import { PromMultiprocError } from '../errors.js';
import { renderText } from '../exposition/render.js';
import { OPENMETRICS, type TextDialect } from '../exposition/text-dialect.js';
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { sharedStore } from '../storage/process-store.js';
import { aggregateInto } from './aggregation.js';
import { collectMetric, registryInUse, runFirstCallbacks } from './collect-callbacks.js';
import {
  isContentType,
  OPENMETRICS_CONTENT_TYPE,
  type OpenMetricsContentType,
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
  textDialectOf,
} from './content-type.js';
import { withDefaultLabels } from './default-labels.js';
import { MEMBER, type RegisteredMetric } from './member.js';
import { defaultScope, mergedView, type MergedView } from './merged-view.js';
import {
  type Aggregator,
  type CollectedMetric,
  familyOfObject,
  type ForeignMetricObject,
  metricObject,
} from './metric-object.js';

export interface RegistryOptions {
  /**
   * What tells the registry from others in merged output: it is merged with those of the same name in other processes.
   * Default: `registry-<n>` for the n-th that this process makes.
   */
  name?: string;
  /** `false` keeps the registry's metrics in this process: no other sees them. */
  multiprocess?: boolean;
}

export interface ScopeOptions {
  /**
   * 'process': what this process counted. 'merged': the values of all processes, where several share a directory. The
   * default is 'merged' for text, and 'process' for objects, since it is objects that programs aggregate by themselves.
   */
  scope?: 'process' | 'merged';
}

/**
 * Registries without a name get one by the order in which they are made, which is the same in all processes that run the
 * same code. A process that makes more than this many makes them as it goes, one for every job or test: their order says
 * nothing, and they stay local.
 */
const MAX_ORDERED = 100;
let ordered = 0;

/** The metrics that one endpoint shows. prom-client's class of the same name, plus names and scopes. */
export class Registry<T extends RegistryContentType = PrometheusContentType> {
  static get PROMETHEUS_CONTENT_TYPE(): PrometheusContentType {
    return PROMETHEUS_CONTENT_TYPE;
  }
  static get OPENMETRICS_CONTENT_TYPE(): OpenMetricsContentType {
    return OPENMETRICS_CONTENT_TYPE;
  }

  /** The registry's name in merged output; undefined where it stays in this process. */
  readonly sharedName: string | undefined;
  /** Further names of it there: see `showAlsoAs`. */
  readonly #otherNames = new Set<string>();
  #contentType: RegistryContentType;
  readonly #metrics = new Map<string, RegisteredMetric>();
  #defaultLabels: Labels | undefined;
  /** What `Registry.merge` made this of. */
  #sources: readonly Registry<any>[] = [];

  /** @throws {TypeError} prom-client's, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T, options: RegistryOptions = {}) {
    if (!isContentType(contentType)) throw new TypeError(`Content type ${String(contentType)} is unsupported`);
    this.#contentType = contentType;
    this.sharedName = sharedNameOf(options);
  }

  /**
   * Adds a metric: one of this package, or any object that has a `name` and a `get()` like prom-client's.
   *
   * @throws {Error} prom-client's, where another metric has the name
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- prom-client's types have it
  registerMetric<_T extends string = string>(metric: object): void {
    assertNamed(metric);
    const known = this.#metrics.get(metric.name);
    if (known === metric) return;
    if (known !== undefined) throw new Error(`A metric with the name ${metric.name} has already been registered.`);
    this.#metrics.set(metric.name, metric);
    this.#announce([metric]);
  }

  /** Takes all metrics out and forgets the default labels. Who holds a metric can go on writing to it. */
  clear(): void {
    for (const name of this.#metrics.keys()) this.removeSingleMetric(name);
    this.setDefaultLabels({});
  }

  removeSingleMetric(name: string): void {
    const metric = this.#metrics.get(name);
    if (metric === undefined) return;
    this.#metrics.delete(name);
    if (this.shownAs.length === 0) return;
    metric[MEMBER]?.left(this);
    registryInUse(this, this.#metrics.size > 0);
  }

  /** Sets all metrics back, in this process. */
  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset?.();
  }

  getMetricsAsArray(): any[] {
    return [...this.#metrics.values()];
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- prom-client's types have it
  getSingleMetric<_T extends string = string>(name: string): any {
    return this.#metrics.get(name);
  }

  /** The metrics themselves. */
  registered(): IterableIterator<RegisteredMetric> {
    return this.#metrics.values();
  }

  /** Labels that every sample gets which does not have them itself. They are copied. */
  setDefaultLabels(labels: object): void {
    const pairs = Object.entries(labels).map(([name, value]): [string, string] => [name, `${value}`]);
    const before = this.#defaultLabels;
    this.#defaultLabels = pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
    if (this.sharedName === undefined || (before === undefined && pairs.length === 0)) return;
    sharedStore().setDefaultLabels(this.sharedName, this.#defaultLabels ?? {});
  }

  get contentType(): T {
    return this.#contentType as T;
  }

  /** @throws {Error} prom-client's, where it is neither of the two */
  setContentType(contentType: RegistryContentType): void {
    if (!isContentType(contentType)) throw new Error(`Content type ${String(contentType)} is unsupported`);
    this.#contentType = contentType;
  }

  /**
   * The exposition. In a process that shares a directory with others, of all of them together, whichever is asked; with
   * `{ scope: 'process' }`, or PROM_MULTIPROC_SCOPE=process in the environment, of this process. Nothing changes by it.
   */
  async metrics(options: ScopeOptions = {}): Promise<string> {
    const view = this.#viewFor(options);
    if (view === undefined) return this.#render(await this.#families(this.#metrics.values()));
    const { contentType } = this;
    const [merged, local] = await Promise.all([
      view.metrics({ registries: this.sharedNames(), contentType }),
      this.#families(this.#localMetrics()),
    ]);
    if (local.length === 0) return merged;
    return withoutEof(merged) + this.#dialect.separator + this.#render(local);
  }

  /** What this process counted, as the data model. */
  localFamilies(): Promise<MetricFamily[]> {
    return this.#families(this.#metrics.values());
  }

  /**
   * The metrics as objects: those of this process, which is what `aggregate` and programs that gather the objects of all
   * processes expect. `{ scope: 'merged' }` asks for the values of all processes.
   */
  async getMetricsAsJSON({ scope = 'process' }: ScopeOptions = {}): Promise<CollectedMetric<string>[]> {
    const view = this.#viewFor({ scope });
    if (view === undefined) return this.#objects(this.#metrics.values());
    const [merged, local] = await Promise.all([
      view.getMetricsAsJSON({ registries: this.sharedNames() }),
      this.#objects(this.#localMetrics()),
    ]);
    return [...merged, ...local];
  }

  /**
   * One metric's lines, in the scope of `metrics()`.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where there is none of the name
   */
  async getSingleMetricAsString(name: string, options: ScopeOptions = {}): Promise<string> {
    const metric = this.#metrics.get(name);
    const view = this.#viewFor(options);
    if (view !== undefined && (metric === undefined || metric[MEMBER]?.shared === true)) {
      const query = { registries: this.sharedNames(), contentType: this.contentType, metric: name };
      const lines = withoutEnd(await view.metrics(query));
      if (lines !== '') return lines;
    }
    if (metric === undefined) {
      throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `no metric with the name ${inspect(name)} is registered`);
    }
    return this.getMetricsAsString(metric);
  }

  /** The lines of a metric in this process, as this registry shows it. */
  async getMetricsAsString(metric: RegisteredMetric): Promise<string> {
    return withoutEnd(this.#render(await this.#families([metric])));
  }

  /** The names under which this registry's metrics are found in merged output. */
  sharedNames(): string[] {
    return [...new Set([...this.#sources.flatMap((source) => source.sharedNames()), ...this.shownAs])];
  }

  /** The names that the registry itself gives its metrics in merged output; none where they stay in this process. */
  get shownAs(): string[] {
    return this.sharedName === undefined ? [...this.#otherNames] : [this.sharedName, ...this.#otherNames];
  }

  /** Shows the metrics under one more name, or no longer; of a merged registry, those of the ones it was made of. */
  showAlsoAs(name: string, shown: boolean): void {
    for (const source of this.#sources) source.showAlsoAs(name, shown);
    if (this.#sources.length > 0 || this.#otherNames.has(name) === shown) return;
    const local = this.shownAs.length === 0;
    if (shown) this.#otherNames.add(name);
    else this.#otherNames.delete(name);
    if (this.shownAs.length > 0) this.#announce([...this.#metrics.values()]);
    else if (!local) for (const metric of this.#metrics.values()) metric[MEMBER]?.left(this);
  }

  /**
   * One registry with the metrics of all. Its scope is that of `metrics()`: where several processes share a directory it
   * shows the merged values of the registries it was made of.
   *
   * @throws {Error} prom-client's, where their content types differ or two metrics have one name
   */
  static merge(registers: Registry<any>[]): Registry<any> {
    const { contentType } = registers[0];
    if (registers.some((register) => register.contentType !== contentType)) {
      throw new Error('Registers can only be merged if they have the same content type');
    }
    const merged = new Registry<any>(contentType, { multiprocess: false });
    merged.#sources = registers;
    for (const register of registers) for (const metric of register.registered()) merged.registerMetric(metric);
    return merged;
  }

  #announce(metrics: readonly RegisteredMetric[]): void {
    if (this.shownAs.length === 0) return;
    for (const metric of metrics) metric[MEMBER]?.entered(this);
    registryInUse(this, this.#metrics.size > 0);
    runFirstCallbacks(metrics);
  }

  /**
   * A registry of what several `getMetricsAsJSON()` answered with, merged by each metric's `aggregator`.
   *
   * @throws {Error} prom-client's, for an aggregator that there is not
   */
  static aggregate<C extends RegistryContentType>(
    metricsArr: object[],
    contentType: C = PROMETHEUS_CONTENT_TYPE as C,
  ): Registry<C> {
    return aggregateInto(new Registry(contentType, { multiprocess: false }), metricsArr);
  }

  #viewFor({ scope = defaultScope() }: ScopeOptions): MergedView | undefined {
    if (scope !== 'process' && scope !== 'merged') {
      throw new PromMultiprocError(
        'ERR_INVALID_ARGUMENT',
        `scope ${inspect(scope)} is not known: 'process' or 'merged'`,
      );
    }
    return scope === 'process' || this.sharedNames().length === 0 ? undefined : mergedView();
  }

  /** Metrics that merged output does not have. */
  *#localMetrics(): Iterable<RegisteredMetric> {
    for (const metric of this.#metrics.values()) if (metric[MEMBER]?.shared !== true) yield metric;
  }

  async #families(metrics: Iterable<RegisteredMetric>): Promise<MetricFamily[]> {
    return (await this.#collected(metrics)).map(({ family }) => family);
  }

  async #objects(metrics: Iterable<RegisteredMetric>): Promise<CollectedMetric<string>[]> {
    const collected = await this.#collected(metrics);
    return collected.map(({ family, aggregator }) => metricObject<string>(family, aggregator as Aggregator));
  }

  /** Metrics as they stand in this process. Those whose `collect()` failed are left out. */
  async #collected(metrics: Iterable<RegisteredMetric>): Promise<{ family: MetricFamily; aggregator?: string }[]> {
    const collected = await Promise.all(
      [...metrics].map(async (metric) => {
        const member = metric[MEMBER];
        if (member === undefined) {
          const object = (await metric.get()) as ForeignMetricObject;
          return { family: familyOfObject(object), aggregator: object.aggregator };
        }
        const upToDate = await collectMetric(metric);
        return upToDate ? { family: member.family(), aggregator: metric.aggregator } : undefined;
      }),
    );
    return collected
      .filter((metric) => metric !== undefined)
      .map(({ family, aggregator }) => ({ family: withDefaultLabels(family, this.#defaultLabels), aggregator }));
  }

  #render(families: readonly MetricFamily[]): string {
    return renderText(families, this.#dialect);
  }

  get #dialect(): TextDialect {
    return textDialectOf(this.#contentType);
  }
}

function assertNamed(metric: object): asserts metric is RegisteredMetric {
  const { name, get } = metric as Partial<RegisteredMetric>;
  if (typeof name === 'string' && typeof get === 'function') return;
  throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `a metric has a name and get(), unlike ${inspect(metric)}`);
}

function withoutEof(text: string): string {
  return text.endsWith(OPENMETRICS.end) ? text.slice(0, -OPENMETRICS.end.length) : text;
}

/** As prom-client has a single metric: without the end of the exposition and of the last line. */
function withoutEnd(text: string): string {
  return withoutEof(text).trimEnd();
}

function sharedNameOf({ name, multiprocess }: RegistryOptions): string | undefined {
  if (name !== undefined && (typeof name !== 'string' || name === '')) {
    throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `a registry's name is a string, not ${inspect(name)}`);
  }
  if (multiprocess === false) return undefined;
  if (name !== undefined) return name;
  return ordered < MAX_ORDERED ? `registry-${++ordered}` : undefined;
}
