/** Collecting and rendering, wherever it runs: a collector has an engine inline, and the thread one per directory. */
import { formatOf } from '../exposition/formats.js';
import { changesLegalNames, DEFAULT_ESCAPING, type Escaping } from '../exposition/name-escaping.js';
import { namedFamilies, nameFilter } from '../exposition/name-filter.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { Selection } from '../merge/selection.js';
import type { MetricFamily } from '../model/metric-family.js';
import { warnOnce } from '../warn-once.js';
import { type CollectionOptions, DirectoryCollection } from './collection.js';
import type { ChartRequest } from './chart.js';
import { type DirectoryStatus, directoryStatus } from './directory-status.js';
import type { HeldLocks } from './held-locks.js';
import { MergedBody, mergedFamilies, type OutputOptions } from './merged-output.js';
import type { ProcessInfo } from './report.js';
import { selfMetrics } from './self-metrics.js';

/** What an output shows of the directory, and how. */
export interface OutputSettings extends OutputOptions {
  readonly selection: Selection;
  /** Whether the collector's own metrics are part of the output. */
  readonly selfMetrics: boolean;
}

/** What one collection is to be turned into. */
export type Product =
  | ({ readonly kind: 'body'; readonly settings: OutputSettings } & BodyRequest)
  | { readonly kind: 'families'; readonly settings: OutputSettings }
  | { readonly kind: 'status'; readonly settings: OutputSettings; readonly charts: readonly ChartRequest[] }
  | { readonly kind: 'processes' };

/** An exposition. */
export interface BodyRequest {
  readonly format: string;
  /** Default: that of scrapers which take no UTF-8 names. */
  readonly escaping?: Escaping;
  /** Only the families that have one of these names, or samples of one. */
  readonly names?: readonly string[];
}

export interface CollectionRequest {
  readonly products: readonly Product[];
  readonly heldLocks: HeldLocks;
}

/** The products by their keys (`productKey`), and what decides on how to go on. */
export interface Collected {
  readonly bodies: Map<string, Uint8Array<ArrayBuffer>>;
  readonly families: Map<string, MetricFamily[]>;
  /** By product, names of families that its selection asks for and that cannot be merged. */
  readonly missing: Map<string, readonly string[]>;
  readonly statuses: Map<string, DirectoryStatus>;
  processes: ProcessInfo[];
  /** Bytes of all files that were read. */
  readonly fileBytes: number;
  /** What could be folded. */
  readonly dead: { readonly files: number; readonly bytes: number };
  /** Files that are being made, or were when their maker was killed. */
  readonly leftovers: number;
}

/** The same for products that are the same. */
export function productKey(product: Product): string {
  return JSON.stringify(product);
}

/** Outputs that are kept from one collection to the next; a program that asks for ever other ones has no use of them. */
const MAX_OUTPUTS = 200;

/** What is told about a collection beside what was found. */
interface Reading {
  readonly seconds: number;
  readonly heldLocks: HeldLocks;
}

/** One output, which is brought up to date where the last one stopped. */
interface Output {
  readonly selected: SelectedFamilies;
  /** By format and escaping. */
  readonly bodies: Map<string, MergedBody>;
}

export class Engine {
  readonly #collection: DirectoryCollection;
  /** By their settings; the one that was asked for last stands last. */
  readonly #outputs = new Map<string, Output>();

  constructor(options: CollectionOptions) {
    this.#collection = new DirectoryCollection(options);
  }

  /** Collects once. Pauses wherever the event loop may have a turn. */
  *collect({ products, heldLocks }: CollectionRequest): Generator<void, Collected> {
    const start = performance.now();
    yield* this.#collection.collect();
    yield;
    const seconds = (performance.now() - start) / 1000;
    const collected: Collected = {
      bodies: new Map(),
      families: new Map(),
      missing: new Map(),
      statuses: new Map(),
      processes: [],
      ...this.#collection.totals(),
      leftovers: this.#collection.leftovers,
    };
    for (const product of products) {
      this.#make(product, { seconds, heldLocks }, collected);
      yield;
    }
    return collected;
  }

  close(): void {
    this.#collection.close();
  }

  #make(product: Product, { seconds, heldLocks }: Reading, collected: Collected): void {
    if (product.kind === 'processes') {
      collected.processes = this.#collection.processes();
      return;
    }
    const { settings } = product;
    const output = this.#outputOf(settings);
    const { selected } = output;
    selected.update();
    warnOfConflicts(selected);
    const own = settings.selfMetrics ? selfMetrics(this.#collection.stats(selected), seconds, heldLocks) : [];
    const key = productKey(product);
    collected.missing.set(key, selected.missing);
    if (product.kind === 'status') {
      collected.statuses.set(key, directoryStatus(this.#collection, selected, own, seconds, product.charts));
    } else if (product.kind === 'families') {
      collected.families.set(key, [...mergedFamilies(selected, settings), ...own]);
    } else {
      collected.bodies.set(key, new Uint8Array(render(product, output, own)));
    }
  }

  #outputOf(settings: OutputSettings): Output {
    const key = JSON.stringify(settings);
    const output = this.#outputs.get(key) ?? {
      selected: this.#collection.select(settings.selection),
      bodies: new Map(),
    };
    this.#outputs.delete(key);
    this.#outputs.set(key, output);
    for (const oldest of this.#outputs.keys()) {
      if (this.#outputs.size <= MAX_OUTPUTS) break;
      this.#outputs.delete(oldest);
    }
    return output;
  }
}

type BodyProduct = Extract<Product, { kind: 'body' }>;

function render(product: BodyProduct, { selected, bodies }: Output, own: readonly MetricFamily[]): Uint8Array {
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
    const families = mergedFamilies(selected, { ...settings, created }, (family) => shown.includes(family));
    return format.render([...families, ...namedFamilies(own, names)], options);
  }
  const key = `${product.format} ${escaping}`;
  let body = bodies.get(key);
  if (body === undefined) bodies.set(key, (body = new MergedBody(selected, format, options)));
  return body.render(own);
}

function warnOfConflicts(selected: SelectedFamilies): void {
  for (const { family, reason, text } of selected.conflicts()) warnOnce(`conflict ${family} ${reason}`, text);
}
