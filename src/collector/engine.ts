/** Collecting and rendering, wherever it runs: the collector has one inline, and the thread one per directory and registry. */
import { formatOf } from '../exposition/formats.js';
import type { MetricFamily } from '../model/metric-family.js';
import { type CollectionOptions, DirectoryCollection, type ProcessInfo } from './collection.js';
import type { ChartRequest } from './chart.js';
import { type DirectoryStatus, directoryStatus } from './directory-status.js';
import type { HeldLocks } from './held-locks.js';
import { mergedFamilies, MergedBody, type OutputOptions } from './merged-output.js';
import { selfMetrics } from './self-metrics.js';

export interface EngineOptions extends CollectionOptions, OutputOptions {
  /** Whether the collector's own metrics are part of the output. */
  readonly selfMetrics: boolean;
}

/** What one collection is to be turned into. */
export type Product = 'families' | 'processes' | BodyRequest | StatusRequest;

export interface CollectionRequest {
  readonly products: readonly Product[];
  readonly heldLocks: HeldLocks;
}

/** An exposition. */
export interface BodyRequest {
  readonly format: string;
}

/** The status, with these charts. */
export interface StatusRequest {
  /** Tells the requests of one collection apart. */
  readonly key: string;
  readonly charts: readonly ChartRequest[];
}

export interface Collected {
  /** Expositions, by their formats. */
  readonly bodies: Map<string, Uint8Array<ArrayBuffer>>;
  families?: MetricFamily[];
  processes?: ProcessInfo[];
  /** By the keys of their requests. */
  statuses: Record<string, DirectoryStatus>;
  /** Bytes of all files that were read. */
  fileBytes: number;
  /** What could be folded. */
  dead: { files: number; bytes: number };
  /** Files that are being made, or were when their maker was killed. */
  temporaries: number;
}

export class Engine {
  readonly #collection: DirectoryCollection;
  readonly #options: EngineOptions;
  readonly #bodies = new Map<string, MergedBody>();

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#collection = new DirectoryCollection(options);
  }

  /** Collects once. Pauses wherever the event loop may have a turn. */
  *collect({ products, heldLocks }: CollectionRequest): Generator<void, Collected> {
    const start = performance.now();
    yield* this.#collection.collect();
    yield;
    const stats = this.#collection.stats();
    const seconds = (performance.now() - start) / 1000;
    const own = this.#options.selfMetrics ? selfMetrics(stats, seconds, heldLocks) : [];
    const collected: Collected = {
      bodies: new Map(),
      statuses: {},
      fileBytes: stats.fileBytes,
      dead: { files: stats.dead, bytes: stats.deadBytes },
      temporaries: this.#collection.temporaries,
    };
    for (const product of products) {
      if (typeof product === 'object' && 'format' in product) {
        const { format } = product;
        if (collected.bodies.has(format)) continue;
        collected.bodies.set(format, new Uint8Array(this.#bodyIn(format).render(own)));
      } else if (typeof product === 'object') {
        const { key, charts } = product;
        collected.statuses[key] ??= directoryStatus(this.#collection, own, seconds, charts);
      } else if (product === 'processes') {
        collected.processes = this.#collection.processes();
      } else {
        collected.families = [...mergedFamilies(this.#collection.index, this.#options), ...own];
      }
      yield;
    }
    return collected;
  }

  close(): void {
    this.#collection.close();
  }

  #bodyIn(format: string): MergedBody {
    let body = this.#bodies.get(format);
    if (body === undefined) {
      body = new MergedBody(this.#collection.index, formatOf(format), this.#options);
      this.#bodies.set(format, body);
    }
    return body;
  }
}
