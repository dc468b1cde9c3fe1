/** Collecting and rendering, wherever it runs: the collector has one inline, and the thread one per directory and registry. */
import type { ExpositionFormat } from '../exposition/format.js';
import type { MetricFamily } from '../model/metric-family.js';
import { type CollectionOptions, DirectoryCollection, type ProcessInfo } from './collection.js';
import type { ChartRequest } from './chart.js';
import { type DirectoryStatus, directoryStatus } from './directory-status.js';
import { mergedFamilies, MergedText, type OutputOptions } from './merged-output.js';
import { selfMetrics } from './self-metrics.js';

export interface EngineOptions extends CollectionOptions, OutputOptions {
  /** Whether the collector's own metrics are part of the output. */
  readonly selfMetrics: boolean;
}

/** What one collection is to be turned into. */
export type Product = ExpositionFormat | 'families' | 'processes' | StatusRequest;

/** The status, with these charts. */
export interface StatusRequest {
  /** Tells the requests of one collection apart. */
  readonly key: string;
  readonly charts: readonly ChartRequest[];
}

export interface Collected {
  text?: Uint8Array;
  openmetrics?: Uint8Array;
  families?: MetricFamily[];
  processes?: ProcessInfo[];
  /** By the keys of their requests. */
  statuses: Record<string, DirectoryStatus>;
  /** Bytes of all files that were read. */
  fileBytes: number;
  /** What could be folded. */
  dead: { files: number; bytes: number };
}

export class Engine {
  readonly #collection: DirectoryCollection;
  readonly #options: EngineOptions;
  readonly #texts = new Map<ExpositionFormat, MergedText>();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#collection = new DirectoryCollection(options);
  }

  /** Collects once. Pauses wherever the event loop may have a turn. */
  *collect(products: readonly Product[]): Generator<void, Collected> {
    const start = performance.now();
    yield* this.#collection.collect();
    yield;
    const stats = this.#collection.stats();
    const seconds = (performance.now() - start) / 1000;
    const own = this.#options.selfMetrics ? selfMetrics(stats, seconds) : [];
    const collected: Collected = {
      statuses: {},
      fileBytes: stats.fileBytes,
      dead: { files: stats.dead, bytes: stats.deadBytes },
    };
    for (const product of products) {
      if (typeof product === 'object') {
        const { key, charts } = product;
        collected.statuses[key] ??= directoryStatus(this.#collection, own, seconds, charts);
      } else if (product === 'processes') {
        collected.processes = this.#collection.processes();
      } else if (product === 'families') {
        collected.families = [...mergedFamilies(this.#collection.index, this.#options), ...own];
      } else {
        collected[product] = new Uint8Array(this.#textOf(product).render(own));
      }
      yield;
    }
    return collected;
  }

  close(): void {
    this.#collection.close();
  }

  #textOf(format: ExpositionFormat): MergedText {
    let text = this.#texts.get(format);
    if (text === undefined) {
      text = new MergedText(this.#collection.index, format, this.#options);
      this.#texts.set(format, text);
    }
    return text;
  }
}
