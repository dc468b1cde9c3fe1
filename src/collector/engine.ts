/** Collects and renders, on any thread: a collector has one engine inline, and its thread has one per directory. */
import { formatOf } from '../exposition/formats.js';
import { changesLegalNames, DEFAULT_ESCAPING, type Escaping } from '../exposition/name-escaping.js';
import { nameFilter } from '../exposition/name-filter.js';
import { MIN_SHARED_BYTES } from '../exposition/shared-memory.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { Selection } from '../merge/selection.js';
import type { MetricFamily } from '../model/metric-family.js';
import { warnOnce } from '../warn-once.js';
import { type CollectionOptions, DirectoryCollection } from './collection.js';
import { type DirectoryStatus, directoryStatus, type StatusRequest } from './directory-status.js';
import type { HeldLocks } from './held-locks.js';
import { Loans } from './lent-bodies.js';
import { MergedBody, mergedFamilies, type OutputOptions } from './merged-output.js';
import { type ProcessInfo, processesOf, type Totals, totalsOf } from './report.js';
import { SELF_METRIC_FAMILIES, selfMetrics } from './self-metrics.js';

/** The families that an output shows, and their form. */
export interface OutputSettings extends OutputOptions {
  readonly selection: Selection;
  /** Whether the collector's own metrics are part of the output. */
  readonly selfMetrics: boolean;
}

/** A result that a collection has to produce. */
export type Product =
  | ({ readonly kind: 'body'; readonly settings: OutputSettings } & BodyRequest)
  | { readonly kind: 'families'; readonly settings: OutputSettings }
  | ({ readonly kind: 'status'; readonly settings: OutputSettings; readonly isBackground?: boolean } & StatusRequest)
  | { readonly kind: 'processes' };

export interface BodyRequest {
  /** The caller gives the body back: see lent-bodies.ts. */
  readonly isLent?: boolean;
  readonly format: string;
  /** Default: the escaping for scrapers that accept no UTF-8 names. */
  readonly escaping?: Escaping;
  /** Only families that have one of these names, or a sample with one. */
  readonly names?: readonly string[];
}

export interface CollectionRequest {
  readonly products: readonly Product[];
  /** Bodies that nobody reads any more. */
  readonly returned?: readonly string[];
  readonly heldLocks: HeldLocks;
  /** Whether it is a scrape, which restores a deleted archive; looking writes nothing. */
  readonly isScrape?: boolean;
}

/** The result of each kind of product. `missing`: names of selected families that cannot be merged. */
export interface Results {
  /** A body that is lent has a loan. */
  readonly body: { readonly body: Uint8Array; readonly loan?: string; readonly missing: readonly string[] };
  readonly families: { families: MetricFamily[]; readonly missing: readonly string[] };
  readonly status: DirectoryStatus;
  readonly processes: ProcessInfo[];
}

type Result = Results[Product['kind']];

/** The results by `productKey`, and the figures that decide about threads and folds. */
export interface Collected extends Totals {
  readonly results: ReadonlyMap<string, Result>;
  /** Number of files that a process is creating, or has left when it was killed. */
  readonly leftovers: number;
}

/** Equal for equal products. */
export function productKey(product: Product): string {
  return JSON.stringify(product);
}

/** Maximum number of outputs that are kept between collections, for programs that request a different one each time. */
const MAX_OUTPUTS = 200;

/** One output, which is updated from its last state. */
interface Output {
  readonly selected: SelectedFamilies;
  /** By format and escaping. */
  readonly bodies: Map<string, MergedBody>;
}

export class Engine {
  readonly #collection: DirectoryCollection;
  /** By their settings, the last requested one last. */
  readonly #outputs = new Map<string, Output>();
  readonly #loans = new Loans();

  constructor(options: CollectionOptions) {
    this.#collection = new DirectoryCollection(options);
  }

  /** Collects once. Pauses wherever the event loop may turn. */
  *collect({ products, heldLocks, returned = [], isScrape }: CollectionRequest): Generator<void, Collected> {
    this.#loans.end(returned);
    const start = performance.now();
    yield* this.#collection.collect(isScrape);
    yield;
    const seconds = (performance.now() - start) / 1000;
    const pushes = this.#collection.pushes();
    const ownOf = (selected: SelectedFamilies): MetricFamily[] =>
      selfMetrics(this.#collection.stats(selected), seconds, heldLocks, pushes);
    const results = new Map<string, Result>();
    for (const product of products) {
      results.set(productKey(product), yield* this.#make(product, seconds, ownOf));
      yield;
    }
    return { results, ...totalsOf(this.#collection.files), leftovers: this.#collection.leftovers };
  }

  close(): void {
    this.#collection.close();
  }

  *#make(
    product: Product,
    seconds: number,
    ownOf: (selected: SelectedFamilies) => MetricFamily[],
  ): Generator<void, Result> {
    if (product.kind === 'processes') return processesOf(this.#collection.files);
    const { settings } = product;
    const output = this.#outputOf(settings);
    const { selected } = output;
    yield* selected.update();
    warnOfConflicts(selected);
    const own = settings.selfMetrics ? ownOf(selected) : [];
    if (product.kind === 'status') return directoryStatus(this.#collection, selected, own, seconds, product);
    const { missing } = selected;
    if (product.kind === 'families') {
      return { families: [...(yield* mergedFamilies(selected, settings)), ...own], missing };
    }
    const { bytes, lend } = yield* render(product, output, own);
    const giveBack = product.isLent === true && bytes.length >= MIN_SHARED_BYTES ? lend?.() : undefined;
    if (giveBack === undefined) return { body: new Uint8Array(bytes), missing };
    return { body: bytes, loan: this.#loans.add(giveBack), missing };
  }

  #outputOf(settings: OutputSettings): Output {
    const key = JSON.stringify(settings);
    const output = this.#outputs.get(key) ?? {
      selected: this.#collection.select(settings.selection, settings.selfMetrics ? SELF_METRIC_FAMILIES : []),
      bodies: new Map(),
    };
    this.#outputs.delete(key);
    this.#outputs.set(key, output);
    if (this.#outputs.size > MAX_OUTPUTS) this.#outputs.delete(this.#outputs.keys().next().value!);
    return output;
  }
}

type BodyProduct = Extract<Product, { kind: 'body' }>;

/** Returns an exposition, and where it can be lent, the function that lends it (see `MergedBody.lend`). */
function* render(
  product: BodyProduct,
  { selected, bodies }: Output,
  own: readonly MetricFamily[],
): Generator<void, { bytes: Uint8Array; lend?: () => (() => void) | undefined }> {
  const { settings, names } = product;
  // where every name is legal, most schemes give the same bytes: one body serves them all
  const isEscaped = selected.hasUtf8Names || changesLegalNames(product.escaping);
  const escaping = isEscaped ? product.escaping : DEFAULT_ESCAPING;
  const format = formatOf(product.format);
  const options = { ...settings, escaping };
  if (names !== undefined) {
    const created = settings.created === true || format.showsCreated === true;
    const isNamed = nameFilter(names);
    const shown = selected.shownUnder(escaping ?? DEFAULT_ESCAPING).filter(isNamed);
    const families = yield* mergedFamilies(selected, { ...settings, created }, (family) => shown.includes(family));
    return { bytes: format.render([...families, ...own.filter(isNamed)], options) };
  }
  const key = `${product.format} ${escaping}`;
  const body = bodies.get(key) ?? new MergedBody(selected, format, options);
  bodies.set(key, body);
  const bytes = yield* body.render(own);
  return { bytes, lend: () => body.lend(bytes) };
}

function warnOfConflicts(selected: SelectedFamilies): void {
  for (const { family, reason, text } of selected.conflicts()) warnOnce(`conflict ${family} ${reason}`, text);
}
