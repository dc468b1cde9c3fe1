import { inspect } from 'node:util';
import { PromMultiprocError } from '../errors.js';
import { ENDS, type ExpositionFormat, FAMILY_SEPARATORS } from '../exposition/format.js';
import { renderFamilies } from '../exposition/render.js';
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { sharedStore } from '../storage/process-store.js';
import { collectMetric, registryInUse } from './collect-callbacks.js';
import {
  isContentType,
  OPENMETRICS_CONTENT_TYPE,
  type OpenMetricsContentType,
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
} from './content-type.js';
import { withDefaultLabels } from './default-labels.js';
import { MEMBER, type RegisteredMetric } from './member.js';
import { mergedView, type MergedView } from './merged-view.js';
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
   * 'process' answers with what this process counted. Default: the merged values of all processes, where several share a
   * directory.
   */
  scope?: 'process' | 'merged';
}

/**
 * Registries without a name get one by the order in which they are made, which is the same in all processes that run the
 * same code. A process that makes more than this many makes them as it goes, one for every job or test: their order says
 * nothing, and they stay local.
 */
const MOST_ORDERED = 100;
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
  #contentType: RegistryContentType;
  readonly #metrics = new Map<string, RegisteredMetric>();
  #defaultLabels: Labels | undefined;
  /** What `Registry.merge` made this of. */
  #sources: readonly Registry<any>[] = [];

  /** @throws {TypeError} prom-client's, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T, options: RegistryOptions = {}) {
    if (!isContentType(contentType)) throw new TypeError(`Content type ${contentType} is unsupported`);
    this.#contentType = contentType;
    this.sharedName = sharedNameOf(options);
  }

  /**
   * Adds a metric: one of this package, or any object that has a `name` and a `get()` like prom-client's.
   *
   * @throws {Error} prom-client's, where another metric has the name
   */
  registerMetric(metric: RegisteredMetric): void {
    const known = this.#metrics.get(metric.name);
    if (known === metric) return;
    if (known !== undefined) throw new Error(`A metric with the name ${metric.name} has already been registered.`);
    this.#metrics.set(metric.name, metric);
    if (this.sharedName === undefined) return;
    metric[MEMBER]?.entered(this);
    registryInUse(this, true);
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
    if (this.sharedName === undefined) return;
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

  getSingleMetric(name: string): any {
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
    return withoutEof(merged) + FAMILY_SEPARATORS[this.#format] + this.#render(local);
  }

  /** The metrics as objects, in the scope of `metrics()`. */
  async getMetricsAsJSON(options: ScopeOptions = {}): Promise<CollectedMetric<string>[]> {
    const view = this.#viewFor(options);
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
    const names = new Set(this.#sources.flatMap((source) => source.sharedNames()));
    if (this.sharedName !== undefined) names.add(this.sharedName);
    return [...names];
  }

  /**
   * One registry with the metrics of all. Its scope is that of `metrics()`: where several processes share a directory it
   * shows the merged values of the registries it was made of.
   *
   * @throws {Error} prom-client's, where their content types differ or two metrics have one name
   */
  static merge(registers: readonly Registry<any>[]): Registry<any> {
    const { contentType } = registers[0];
    if (registers.some((register) => register.contentType !== contentType)) {
      throw new Error('Registers can only be merged if they have the same content type');
    }
    const merged = new Registry<any>(contentType, { multiprocess: false });
    merged.#sources = registers;
    for (const register of registers) for (const metric of register.registered()) merged.registerMetric(metric);
    return merged;
  }

  #viewFor({ scope }: ScopeOptions): MergedView | undefined {
    if (scope !== undefined && scope !== 'process' && scope !== 'merged') {
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

  /** Those whose `collect()` failed are left out. */
  async #families(metrics: Iterable<RegisteredMetric>): Promise<MetricFamily[]> {
    const families = await Promise.all(
      [...metrics].map(async (metric) => {
        const member = metric[MEMBER];
        if (member === undefined)
          return familyOfObject((await (metric.getForPromString ?? metric.get).call(metric)) as ForeignMetricObject);
        return (await collectMetric(metric)) ? member.family() : undefined;
      }),
    );
    return families
      .filter((family) => family !== undefined)
      .map((family) => withDefaultLabels(family, this.#defaultLabels));
  }

  async #objects(metrics: Iterable<RegisteredMetric>): Promise<CollectedMetric<string>[]> {
    const own = [...metrics];
    const families = await Promise.all(own.map((metric) => this.#families([metric])));
    return families.flatMap((found, at) =>
      found.map((family) => metricObject<string>(family, (own[at].aggregator ?? 'sum') as Aggregator)),
    );
  }

  #render(families: readonly MetricFamily[]): string {
    return renderFamilies(families, this.#format);
  }

  get #format(): ExpositionFormat {
    return this.#contentType === OPENMETRICS_CONTENT_TYPE ? 'openmetrics' : 'text';
  }
}

function withoutEof(text: string): string {
  return text.endsWith(ENDS.openmetrics) ? text.slice(0, -ENDS.openmetrics.length) : text;
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
  return ordered < MOST_ORDERED ? `registry-${++ordered}` : undefined;
}
