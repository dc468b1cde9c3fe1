import { brand } from '../copies.js';
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import type * as rendering from '../exposition/render.js';
import { OPENMETRICS } from '../exposition/text-dialect.js';
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { sharedStore } from '../storage/process-store.js';
import { aggregateInto, hasAggregator } from './aggregation.js';
import { alreadyRegistered } from './already-registered.js';
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
import { familiesOfOtherCopies, noteRegistry } from './copied-registries.js';
import { checkedDefaultLabels, withDefaultLabels } from './default-labels.js';
import { MEMBER, type RegisteredMetric } from './member.js';
import { defaultScope, type MergedQuery, mergedView, type MergedView } from './merged-view.js';
import {
  type Aggregator,
  type CollectedMetric,
  familyOfObject,
  type ForeignMetricObject,
  metricObject,
} from './metric-object.js';
import {
  assertScope,
  type MergeableRegistry,
  nameOf,
  type RegistryOptions,
  type ScopeOptions,
} from './registry-options.js';
import { UnnamedRegistry, unnamedRegistry } from './unnamed-registry.js';

const NONE: readonly Registry<any>[] = [];

/** The metrics that one endpoint shows: prom-client's class of the same name, with names and scopes added. */
export class Registry<T extends RegistryContentType = PrometheusContentType> {
  static get PROMETHEUS_CONTENT_TYPE(): PrometheusContentType {
    return PROMETHEUS_CONTENT_TYPE;
  }
  static get OPENMETRICS_CONTENT_TYPE(): OpenMetricsContentType {
    return OPENMETRICS_CONTENT_TYPE;
  }

  readonly #name: string | undefined;
  #isLocal: boolean;
  #unnamed: UnnamedRegistry | undefined;
  /** Additional names in merged output, and whether its default labels are shown under them; see `showAlsoAs`. */
  #otherNames: Map<string, boolean> | undefined;
  #contentType: RegistryContentType;
  readonly #metrics = new Map<string, RegisteredMetric>();
  #defaultLabels: Labels | undefined;
  /** The registries that `Registry.merge` made this one from, and the metrics that came from them. */
  #sources: readonly Registry<any>[] = NONE;
  #taken: Set<RegisteredMetric> | undefined;

  /** @throws {TypeError} prom-client's error, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T, options: RegistryOptions = {}) {
    if (!isContentType(contentType)) throw new TypeError(`Content type ${String(contentType)} is unsupported`);
    this.#contentType = contentType;
    this.#name = options.multiprocess === false ? undefined : nameOf(options);
    this.#isLocal = options.multiprocess === false;
    if (this.#name !== undefined) noteRegistry(this.#name, this);
    else if (!this.#isLocal) this.#unnamed = unnamedRegistry(this, Registry, new.target);
  }

  /** The name of the registry in merged output; undefined if its metrics stay in this process. */
  get sharedName(): string | undefined {
    return this.#name ?? this.#unnamed?.id;
  }

  /** Called when an unnamed registry starts to be merged, or stops. */
  sharedNameChanged(): void {
    if (this.shownAs.length === 0) {
      for (const metric of this.#own()) metric[MEMBER]?.left(this);
      registryInUse(this, false);
      return;
    }
    if (this.#defaultLabels !== undefined) this.#shareDefaultLabels();
    this.#announce(this.#own());
  }

  /**
   * Adds a metric: one of this package, or any object with a `name` and a `get()` like prom-client's.
   *
   * @throws {Error} prom-client's error, where another metric has the name
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- prom-client's types have it
  registerMetric<_T extends string = string>(metric: object): void {
    assertNamed(metric);
    if (this.#take(metric)) this.#announce([metric]);
  }

  /** Removes all metrics and the default labels. A program that holds a removed metric can still write to it. */
  clear(): void {
    for (const name of this.#metrics.keys()) this.removeSingleMetric(name);
    this.setDefaultLabels({});
  }

  removeSingleMetric(name: string): void {
    const metric = this.#metrics.get(name);
    if (metric === undefined) return;
    this.#metrics.delete(name);
    if (this.#taken?.delete(metric) === true || this.shownAs.length === 0) return;
    metric[MEMBER]?.left(this);
    registryInUse(this, this.#metrics.size > 0);
  }

  /** Resets all metrics in this process. */
  resetMetrics(): void {
    for (const metric of this.#metrics.values()) metric.reset?.();
  }

  getMetricsAsArray(aggregator?: string): any[] {
    return [...this.#metrics.values()].filter(hasAggregator(aggregator));
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- prom-client's types have it
  getSingleMetric<_T extends string = string>(name: string): any {
    return this.#metrics.get(name);
  }

  registered(): IterableIterator<RegisteredMetric> {
    return this.#metrics.values();
  }

  /** Sets labels that are added to samples without them. The object is copied. @throws {Error} for an invalid name */
  setDefaultLabels(labels: object): void {
    const before = this.#defaultLabels;
    this.#defaultLabels = checkedDefaultLabels(labels);
    if (before !== undefined || this.#defaultLabels !== undefined) this.#shareDefaultLabels();
  }

  #shareDefaultLabels(): void {
    for (const name of this.shownAs) {
      if (this.#otherNames?.get(name) !== false) sharedStore().setDefaultLabels(name, this.#defaultLabels ?? {});
    }
  }

  get contentType(): T {
    return this.#contentType as T;
  }

  /** @throws {Error} prom-client's error, where the content type is neither of the two */
  setContentType(contentType: RegistryContentType): void {
    if (!isContentType(contentType)) throw new Error(`Content type ${String(contentType)} is unsupported`);
    this.#contentType = contentType;
  }

  /**
   * Returns the exposition: of all processes, if this one shares a directory with others. `{ scope: 'process' }`, or
   * PROM_MULTIPROC_SCOPE=process in the environment, limits it to this process. The call changes no values.
   */
  async metrics(options: ScopeOptions = {}): Promise<string> {
    const view = this.#viewFor(options);
    if (view === undefined) return this.#render(await this.processFamilies());
    if (this.#sources.length === 0 && this.#unmerged([]).length === 0) {
      const { text, missing } = await view.metrics(this.#query(), this.contentType);
      if (missing.length === 0) return text;
    }
    // rendered together, since lines of a local metric may have the name of a merged one
    return this.#render(await this.#families(view));
  }

  /**
   * Returns the values of this process in this registry, and in registries of the same name in other copies of this package.
   * `created` adds samples with the creation times of series.
   */
  async processFamilies(options: { readonly created?: boolean } = {}): Promise<MetricFamily[]> {
    const own = await this.localFamilies(options);
    return this.#name === undefined ? own : [...own, ...(await familiesOfOtherCopies(this.#name, own, options))];
  }

  /** Returns the values of this process in this registry, without those of metrics whose `collect()` failed. */
  async localFamilies(
    { created }: { readonly created?: boolean } = {},
    metrics: Iterable<RegisteredMetric> = this.#metrics.values(),
  ): Promise<MetricFamily[]> {
    return this.#labelled(await this.#collected(metrics, created));
  }

  /**
   * Returns the metrics of this process as objects, which `aggregate` and programs that collect them from all processes
   * expect. `{ scope: 'merged' }` asks for the values of all processes; a string, for the metrics with that aggregator.
   */
  async getMetricsAsJSON(asked: ScopeOptions | string = {}): Promise<CollectedMetric<string>[]> {
    const { scope = 'process' } = typeof asked === 'string' ? {} : asked;
    const view = this.#viewFor({ scope });
    const families = await (view === undefined ? this.localFamilies() : this.#families(view));
    return families
      .filter(hasAggregator(typeof asked === 'string' ? asked : undefined))
      .map((family) => metricObject<string>(family, family.aggregator as Aggregator));
  }

  /**
   * Returns the lines of one metric, in the scope of `metrics()`.
   *
   * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where no metric has the name
   */
  async getSingleMetricAsString(name: string, options: ScopeOptions = {}): Promise<string> {
    const metric = this.#metrics.get(name);
    const view = this.#viewFor(options);
    if (view !== undefined && (metric === undefined || metric[MEMBER]?.shared === true)) {
      const family = (await this.#families(view)).find((each) => each.name === name);
      if (family !== undefined) return withoutEnd(this.#render([family]));
    }
    if (metric === undefined) {
      throw invalidArgument(`no metric with the name ${inspect(name)} is registered`);
    }
    return this.getMetricsAsString(metric);
  }

  /** Returns the lines of a metric with the values of this process, in the format of this registry. */
  async getMetricsAsString(metric: object): Promise<string> {
    return withoutEnd(this.#render(await this.localFamilies({}, [metric as RegisteredMetric])));
  }

  /** The registry names of its metrics in merged output; empty if they stay in this process. */
  get shownAs(): string[] {
    const { sharedName } = this;
    return [...(sharedName === undefined ? [] : [sharedName]), ...(this.#otherNames?.keys() ?? [])];
  }

  /** Adds or removes a name in merged output for the metrics, and for those of merged sources, without their default labels. */
  showAlsoAs(name: string, shown: boolean, labelled = true): void {
    for (const source of this.#sources) source.showAlsoAs(name, shown, false);
    if ((this.#otherNames?.has(name) ?? false) === shown) return;
    this.#otherNames ??= new Map();
    if (shown) {
      this.#otherNames.set(name, labelled);
      if (this.#name === undefined && !this.#isLocal) (this.#unnamed ??= new UnnamedRegistry(this)).choose();
    } else {
      this.#otherNames.delete(name);
      if (labelled && this.#defaultLabels !== undefined) sharedStore().setDefaultLabels(name, {});
    }
    this.sharedNameChanged();
  }

  /**
   * Makes one registry with the metrics of all given ones, which may be prom-client's. It ignores their default labels. If
   * several processes share a directory, it shows the merged values of the given registries.
   *
   * @throws {Error} prom-client's error, where their content types differ or two metrics have one name
   */
  static merge(registers: readonly MergeableRegistry[]): Registry<any> {
    const { contentType } = registers[0];
    if (registers.some((register) => register.contentType !== contentType)) {
      throw new Error('Registers can only be merged if they have the same content type');
    }
    const merged = new Registry<any>(contentType, { multiprocess: false });
    merged.#isLocal = false;
    merged.#unnamed = unnamedRegistry(merged, Registry.merge);
    merged.#sources = registers.filter((register): register is Registry<any> => #name in register);
    merged.#taken = new Set(merged.#sources.flatMap((source) => [...source.registered()]));
    for (const metric of registers.flatMap((register) => register.getMetricsAsArray() as RegisteredMetric[])) {
      if (merged.#taken.has(metric)) merged.#take(metric);
      else merged.registerMetric(metric);
    }
    return merged;
  }

  /** Adds a metric. @returns whether it was not there before */
  #take(metric: RegisteredMetric): boolean {
    const known = this.#metrics.get(metric.name);
    if (known === metric) return false;
    if (known !== undefined) throw alreadyRegistered(known, metric);
    this.#metrics.set(metric.name, metric);
    return true;
  }

  #announce(metrics: readonly RegisteredMetric[]): void {
    if (this.shownAs.length === 0) return;
    for (const metric of metrics) metric[MEMBER]?.entered(this);
    registryInUse(this, this.#metrics.size > 0);
    runFirstCallbacks(metrics);
  }

  /**
   * Makes a registry of the results of several `getMetricsAsJSON()`, merged by each metric's `aggregator`.
   *
   * @throws {Error} prom-client's error, for an unknown aggregator
   */
  static aggregate<C extends RegistryContentType>(
    metricsArr: object[],
    contentType: C = PROMETHEUS_CONTENT_TYPE as C,
  ): Registry<C> {
    return aggregateInto(new Registry(contentType, { multiprocess: false }), metricsArr);
  }

  #viewFor({ scope = defaultScope(this.#name) }: ScopeOptions): MergedView | undefined {
    assertScope(scope);
    return scope === 'merged' && this.#isMerged() ? mergedView() : undefined;
  }

  /** Whether merged output shows metrics of this registry. */
  #isMerged(): boolean {
    this.#unnamed?.trustIfOld();
    return this.sharedName !== undefined || this.#sources.some((source) => source.#isMerged());
  }

  #query(): MergedQuery {
    const { sharedName } = this;
    if (this.#name !== undefined || sharedName === undefined) return { registries: this.shownAs };
    const declarations = this.#own().map((metric) => metric[MEMBER]?.declaration);
    return { unnamed: { id: sharedName, declarations: declarations.filter((each) => each !== undefined) } };
  }

  /** Returns the metrics without those that `Registry.merge` took from other registries. */
  #own(): RegisteredMetric[] {
    return [...this.#metrics.values()].filter((metric) => this.#taken?.has(metric) !== true);
  }

  /** Returns its own metrics that are not in merged output. */
  #unmerged(missing: readonly string[]): RegisteredMetric[] {
    return this.#own().filter(({ name, [MEMBER]: member }) => member?.shared !== true || missing.includes(name));
  }

  /** Returns the families of all processes. */
  async #families(view: MergedView): Promise<MetricFamily[]> {
    if (this.#sources.length > 0) return this.#labelled(await this.#unlabelledFamilies(view));
    const { families, missing } = await view.families(this.#query());
    return [...families, ...(await this.localFamilies({}, this.#unmerged(missing)))];
  }

  /**
   * Returns the families of all processes without default labels. For a merged registry these are the families of all its
   * sources; if two of them have the same name, the one of the registry that holds such a metric in this process.
   */
  async #unlabelledFamilies(view: MergedView): Promise<MetricFamily[]> {
    const own = await this.#ownUnlabelledFamilies(view);
    const parts = await Promise.all(this.#sources.map((source) => source.#unlabelledFamilies(view)));
    const byName = new Map<string, MetricFamily>();
    this.#sources.forEach((source, at) => {
      for (const family of parts[at]) {
        if (!byName.has(family.name) || source.#metrics.has(family.name)) byName.set(family.name, family);
      }
    });
    for (const family of own) byName.set(family.name, family);
    return [...byName.values()];
  }

  async #ownUnlabelledFamilies(view: MergedView): Promise<MetricFamily[]> {
    if (this.sharedName === undefined) return this.#collected(this.#own());
    const { families, missing } = await view.families({ ...this.#query(), withoutDefaultLabels: true });
    return [...families, ...(await this.#collected(this.#unmerged(missing)))];
  }

  #labelled(families: readonly MetricFamily[]): MetricFamily[] {
    return families.map((family) => withDefaultLabels(family, this.#defaultLabels));
  }

  async #collected(metrics: Iterable<RegisteredMetric>, created?: boolean): Promise<MetricFamily[]> {
    const families = await Promise.all(
      [...metrics].map(async (metric) => {
        const member = metric[MEMBER];
        if (member === undefined) return familyOfObject((await metric.get()) as ForeignMetricObject);
        const upToDate = await collectMetric(metric);
        return upToDate ? { ...member.family(created), aggregator: metric.aggregator } : undefined;
      }),
    );
    return families.filter((family) => family !== undefined);
  }

  #render(families: readonly MetricFamily[]): string {
    // loaded here and not at the top: most processes of an application show nothing by themselves
    const { renderText } = require('../exposition/render.js') as typeof rendering;
    return renderText(families, textDialectOf(this.#contentType));
  }
}

brand(Registry, 'Registry');

function assertNamed(metric: object): asserts metric is RegisteredMetric {
  const { name, get } = metric as Partial<RegisteredMetric>;
  if (typeof name === 'string' && typeof get === 'function') return;
  throw invalidArgument(`a metric has a name and get(), unlike ${inspect(metric)}`);
}

/** Removes the end of the exposition and the last newline, as prom-client does for a single metric. */
function withoutEnd(text: string): string {
  const { end } = OPENMETRICS;
  return (text.endsWith(end) ? text.slice(0, -end.length) : text).trimEnd();
}
