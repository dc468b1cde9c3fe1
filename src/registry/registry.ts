import { brand } from '../copies.js';
import { inspect } from 'node:util';
import { PromMultiprocError } from '../errors.js';
import { renderText } from '../exposition/render.js';
import { OPENMETRICS, type TextDialect } from '../exposition/text-dialect.js';
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { sharedStore } from '../storage/process-store.js';
import { aggregateInto } from './aggregation.js';
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
import { checkedDefaultLabels, withDefaultLabels, withoutDefaultLabels } from './default-labels.js';
import { MEMBER, type RegisteredMetric } from './member.js';
import { defaultScope, type MergedQuery, mergedView, type MergedView } from './merged-view.js';
import { shownFamilies } from './shown-families.js';
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

/** The metrics that one endpoint shows. prom-client's class of the same name, plus names and scopes. */
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
  /** Further names in merged output: see `showAlsoAs`. */
  #otherNames: Set<string> | undefined;
  #contentType: RegistryContentType;
  readonly #metrics = new Map<string, RegisteredMetric>();
  #defaultLabels: Labels | undefined;
  /** What `Registry.merge` made this of, and the metrics that it has taken over. */
  #sources: readonly Registry<any>[] = NONE;
  #taken: Set<RegisteredMetric> | undefined;

  /** @throws {TypeError} prom-client's, where the content type is neither of the two */
  constructor(contentType: T = PROMETHEUS_CONTENT_TYPE as T, options: RegistryOptions = {}) {
    if (!isContentType(contentType)) throw new TypeError(`Content type ${String(contentType)} is unsupported`);
    this.#contentType = contentType;
    this.#name = options.multiprocess === false ? undefined : nameOf(options);
    this.#isLocal = options.multiprocess === false;
    if (this.#name !== undefined) noteRegistry(this.#name, this);
    else if (!this.#isLocal) this.#unnamed = unnamedRegistry(this, Registry, new.target);
  }

  /** What the registry is called in merged output; undefined where it stays in this process. */
  get sharedName(): string | undefined {
    return this.#name ?? this.#unnamed?.id;
  }

  /** A registry without a name is merged from now on, or no longer. */
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
   * Adds a metric: one of this package, or any object that has a `name` and a `get()` like prom-client's.
   *
   * @throws {Error} prom-client's, where another metric has the name
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- prom-client's types have it
  registerMetric<_T extends string = string>(metric: object): void {
    assertNamed(metric);
    if (this.#take(metric)) this.#announce([metric]);
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
    if (this.#taken?.delete(metric) === true || this.shownAs.length === 0) return;
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

  /** Labels that every sample gets which does not have them itself. They are copied. @throws {Error} for a bad name */
  setDefaultLabels(labels: object): void {
    const before = this.#defaultLabels;
    this.#defaultLabels = checkedDefaultLabels(labels);
    if (before !== undefined || this.#defaultLabels !== undefined) this.#shareDefaultLabels();
  }

  #shareDefaultLabels(): void {
    const { sharedName } = this;
    if (sharedName !== undefined) sharedStore().setDefaultLabels(sharedName, this.#defaultLabels ?? {});
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
    if (view === undefined) return this.#render(await this.processFamilies());
    if (this.#sources.length > 0) return this.#render(await this.#families(view));
    const { text, missing } = await view.metrics(this.#query(), this.contentType);
    const local = await this.#localFamilies(this.#unmerged(missing));
    if (local.length === 0) return text;
    return withoutEof(text) + this.#dialect.separator + this.#render(local);
  }

  /**
   * What this process counted: in this registry, and in those of its name in other copies of this package. `created` adds
   * the samples that show when series were made.
   */
  async processFamilies(options: { readonly created?: boolean } = {}): Promise<MetricFamily[]> {
    const own = await this.localFamilies(options);
    return this.#name === undefined ? own : [...own, ...(await familiesOfOtherCopies(this.#name, own, options))];
  }

  /** What this process counted in this registry. */
  localFamilies({ created }: { readonly created?: boolean } = {}): Promise<MetricFamily[]> {
    return this.#localFamilies(this.#metrics.values(), created);
  }

  /**
   * The metrics as objects: those of this process, which is what `aggregate` and programs that gather the objects of all
   * processes expect. `{ scope: 'merged' }` asks for the values of all processes.
   */
  async getMetricsAsJSON({ scope = 'process' }: ScopeOptions = {}): Promise<CollectedMetric<string>[]> {
    const view = this.#viewFor({ scope });
    const families = await (view === undefined ? this.localFamilies() : this.#families(view));
    return families.map((family) => metricObject<string>(family, family.aggregator as Aggregator));
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
      const family = (await this.#families(view)).find((each) => each.name === name);
      if (family !== undefined) return withoutEnd(this.#render([family]));
    }
    if (metric === undefined) {
      throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `no metric with the name ${inspect(name)} is registered`);
    }
    return this.getMetricsAsString(metric);
  }

  /** The lines of a metric in this process, as this registry shows it. */
  async getMetricsAsString(metric: RegisteredMetric): Promise<string> {
    return withoutEnd(this.#render(await this.#localFamilies([metric])));
  }

  /** The names that the registry gives its metrics in merged output; none where they stay in this process. */
  get shownAs(): string[] {
    const { sharedName } = this;
    return [...(sharedName === undefined ? [] : [sharedName]), ...(this.#otherNames ?? [])];
  }

  /** Shows the metrics under one more name, or no longer; of a merged registry, those of the ones it was made of, too. */
  showAlsoAs(name: string, shown: boolean): void {
    for (const source of this.#sources) source.showAlsoAs(name, shown);
    if ((this.#otherNames?.has(name) ?? false) === shown) return;
    this.#otherNames ??= new Set();
    if (shown) {
      this.#otherNames.add(name);
      if (this.#name === undefined && !this.#isLocal) (this.#unnamed ??= new UnnamedRegistry(this)).choose();
    } else {
      this.#otherNames.delete(name);
    }
    this.sharedNameChanged();
  }

  /**
   * One registry with the metrics of all, prom-client's own registries among them. It has default labels of its own in the
   * place of theirs. Where several processes share a directory it shows the merged values of the registries it was made of.
   *
   * @throws {Error} prom-client's, where their content types differ or two metrics have one name
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

  /** Takes a metric in. @returns whether it was not there */
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

  #viewFor({ scope = defaultScope(this.#name) }: ScopeOptions): MergedView | undefined {
    assertScope(scope);
    return scope === 'merged' && this.#isMerged() ? mergedView() : undefined;
  }

  /** Whether merged output has anything of this registry. */
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

  /** Its metrics without those that `Registry.merge` has taken from others. */
  #own(): RegisteredMetric[] {
    return [...this.#metrics.values()].filter((metric) => this.#taken?.has(metric) !== true);
  }

  /** Its own metrics that merged output does not have. */
  #unmerged(missing: readonly string[]): RegisteredMetric[] {
    return this.#own().filter(({ name, [MEMBER]: member }) => member?.shared !== true || missing.includes(name));
  }

  /** The families of all processes. */
  async #families(view: MergedView): Promise<MetricFamily[]> {
    if (this.#sources.length > 0) return this.#labelled(await this.#unlabelledFamilies(view));
    const { families, missing } = await view.families(this.#query());
    return [...families, ...(await this.#localFamilies(this.#unmerged(missing)))];
  }

  /**
   * The same without default labels. Of a merged registry: the families of each registry that it was made of, and where two
   * of them have one name, that of the registry which has such a metric here.
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
    const { families, missing } = await view.families(this.#query());
    const unlabelled = families.map((family) => {
      const labelNames = this.#metrics.get(family.name)?.[MEMBER]?.declaration.labelNames;
      return withoutDefaultLabels(family, this.#defaultLabels, labelNames);
    });
    return [...unlabelled, ...(await this.#collected(this.#unmerged(missing)))];
  }

  /** Metrics as they stand in this process. Those whose `collect()` failed are left out. */
  async #localFamilies(metrics: Iterable<RegisteredMetric>, created?: boolean): Promise<MetricFamily[]> {
    return this.#labelled(await this.#collected(metrics, created));
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
    return renderText(shownFamilies(families), this.#dialect);
  }

  get #dialect(): TextDialect {
    return textDialectOf(this.#contentType);
  }
}

brand(Registry, 'Registry');

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
