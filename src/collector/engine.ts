/** Collects and renders, on any thread: a collector has one engine inline, and its thread has one per directory. */
import type { PushRecord } from '../directory/push-record.js';
import { formatOf } from '../exposition/formats.js';
import { changesLegalNames, DEFAULT_ESCAPING, type Escaping } from '../exposition/name-escaping.js';
import { namedFamilies, nameFilter } from '../exposition/name-filter.js';
import { MIN_SHARED_BYTES } from '../exposition/shared-memory.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { Selection } from '../merge/selection.js';
import type { MetricFamily } from '../model/metric-family.js';
import { warnOnce } from '../warn-once.js';
import { type CollectionOptions, DirectoryCollection } from './collection.js';
import { type DirectoryStatus, directoryStatus, type StatusRequest } from './directory-status.js';
import type { HeldLocks } from './held-locks.js';
import { Loans } from './lent-bodies.js';
import { MergedBody, mergedFamilies, mergedFamilySteps, type OutputOptions } from './merged-output.js';
import type { ProcessInfo, Totals } from './report.js';
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

/** An exposition. */
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

/** The products by their keys (`productKey`), and the figures that decide about threads and folds. */
export interface Collected extends Omit<Totals, 'fileBytes'> {
  readonly bodies: Map<string, Uint8Array>;
  /** By product: the body is lent, under this name. */
  readonly loans: Map<string, string>;
  readonly families: Map<string, MetricFamily[]>;
  /** By product: names of families that its selection includes but that cannot be merged. */
  readonly missing: Map<string, readonly string[]>;
  readonly statuses: Map<string, DirectoryStatus>;
  processes: ProcessInfo[];
  /** Number of files that a process is creating, or has left when it was killed. */
  readonly leftovers: number;
}

/** Equal for equal products. */
export function productKey(product: Product): string {
  return JSON.stringify(product);
}

/** Maximum number of outputs that are kept between collections, for programs that request a different one each time. */
const MAX_OUTPUTS = 200;

/** Facts about a collection that are not in its files. */
interface Reading {
  readonly seconds: number;
  readonly heldLocks: HeldLocks;
  readonly pushes: readonly PushRecord[];
}

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
    const collected: Collected = {
      bodies: new Map(),
      loans: new Map(),
      families: new Map(),
      missing: new Map(),
      statuses: new Map(),
      processes: [],
      ...this.#collection.totals(),
      leftovers: this.#collection.leftovers,
    };
    const reading = { seconds, heldLocks, pushes: this.#collection.pushes() };
    for (const product of products) {
      yield* this.#make(product, reading, collected);
      yield;
    }
    return collected;
  }

  close(): void {
    this.#collection.close();
  }

  *#make(product: Product, { seconds, heldLocks, pushes }: Reading, collected: Collected): Generator<void, void> {
    if (product.kind === 'processes') {
      collected.processes = this.#collection.processes();
      return;
    }
    const { settings } = product;
    const output = this.#outputOf(settings);
    const { selected } = output;
    selected.update();
    warnOfConflicts(selected);
    const own = settings.selfMetrics ? selfMetrics(this.#collection.stats(selected), seconds, heldLocks, pushes) : [];
    const key = productKey(product);
    collected.missing.set(key, selected.missing);
    if (product.kind === 'status') {
      collected.statuses.set(key, directoryStatus(this.#collection, selected, own, seconds, product));
    } else if (product.kind === 'families') {
      collected.families.set(key, [...(yield* mergedFamilySteps(selected, settings)), ...own]);
    } else {
      const { bytes, lend } = render(product, output, own);
      const giveBack = product.isLent === true && bytes.length >= MIN_SHARED_BYTES ? lend?.() : undefined;
      if (giveBack !== undefined) collected.loans.set(key, this.#loans.add(giveBack));
      collected.bodies.set(key, giveBack === undefined ? new Uint8Array(bytes) : bytes);
    }
  }

  #outputOf(settings: OutputSettings): Output {
    const key = JSON.stringify(settings);
    const output = this.#outputs.get(key) ?? {
      selected: this.#collection.select(settings.selection, settings.selfMetrics ? SELF_METRIC_FAMILIES : []),
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

interface Rendered {
  readonly bytes: Uint8Array;
  /** See `MergedBody.lend`. */
  readonly lend?: () => (() => void) | undefined;
}

function render(product: BodyProduct, { selected, bodies }: Output, own: readonly MetricFamily[]): Rendered {
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
    return { bytes: format.render([...families, ...namedFamilies(own, names)], options) };
  }
  const key = `${product.format} ${escaping}`;
  const body = bodies.get(key) ?? new MergedBody(selected, format, options);
  bodies.set(key, body);
  const bytes = body.render(own);
  return { bytes, lend: () => body.lend(bytes) };
}

function warnOfConflicts(selected: SelectedFamilies): void {
  for (const { family, reason, text } of selected.conflicts()) warnOnce(`conflict ${family} ${reason}`, text);
}
