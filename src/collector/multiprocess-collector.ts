import type { FoldResult } from '../archive/fold-result.js';
import type { ExpositionFormat } from '../exposition/formats.js';
import type * as negotiation from '../exposition/negotiate.js';
import type { NegotiationOptions } from '../exposition/negotiate.js';
import type { MetricFamily } from '../model/metric-family.js';
import type { ChartRequest } from './chart.js';
import type { ProcessInfo } from './report.js';
import type * as collecting from './directory-collector.js';
import type { DirectoryStatus } from './directory-status.js';
import type { BodyRequest, OutputSettings } from './engine.js';
import type { LentBody } from './lent-bodies.js';

export interface MultiprocessCollectorOptions extends collecting.ReadingOptions {
  /** The registries to show: 'default', the `name` of another registry, several of them, or 'all' (the default). */
  readonly registry?: string | readonly string[];
  /** Shows `_created` of counters, histograms and summaries. Default false. */
  readonly created?: boolean;
  /** OpenMetrics in the form of other libraries: every counter in `_total`, `le="1.0"`. Default false. */
  readonly strict?: boolean;
  /** Serves OpenMetrics 2.0, whose specification is not final, to scrapers that request this version. Default false. */
  readonly openMetrics2?: boolean;
  /** Shows the collector's own metrics, `prom_multiproc_…`. Default true. */
  readonly selfMetrics?: boolean;
}

export interface MetricsRequest {
  /** An Accept header; `format` takes precedence. */
  readonly accept?: string;
  readonly format?: ExpositionFormat;
  /** Only metrics with one of these names, or with samples of such a name: a scrape's `?name[]=`. Default: all. */
  readonly names?: readonly string[];
}

export interface MetricsAnswer {
  readonly contentType: string;
  /** Encoded as UTF-8. */
  readonly body: Uint8Array;
}

export interface StatusOptions {
  /** Only metrics whose name, help or labels contain these words. */
  readonly search?: string;
  /** Nobody waits for the result: the `collect()` callbacks of this process do not run for it. Default false. */
  readonly isBackground?: boolean;
}

/** An exposition that the caller gives back. */
export interface LentAnswer extends LentBody {
  readonly contentType: string;
}

let lend: (collector: MultiprocessCollector, request: MetricsRequest) => Promise<LentAnswer>;

/**
 * Merges the metrics files of all processes in a directory. One collector may serve any number of calls, also concurrent
 * ones: calls in one turn of the event loop share one collection, and calls during a collection share the next, so that
 * every result contains all counts from before its call.
 */
export class MultiprocessCollector {
  readonly #collector: collecting.DirectoryCollector;
  readonly #settings: OutputSettings;
  readonly #negotiation: NegotiationOptions;

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(options: MultiprocessCollectorOptions = {}) {
    const { registry = 'all', created = false, strict = false, selfMetrics = true, openMetrics2, ...reading } = options;
    const registries = registry === 'all' ? registry : typeof registry === 'string' ? [registry] : registry;
    this.#settings = { selection: { registries }, created, strict, selfMetrics };
    this.#negotiation = { openMetrics2 };
    // loaded here and not at the top: most processes that load this package collect nothing
    const { DirectoryCollector } = require('./directory-collector.js') as typeof collecting;
    this.#collector = new DirectoryCollector(reading);
  }

  /**
   * The merged exposition.
   *
   * @throws {PromMultiprocError} ERR_NO_DIRECTORY, ERR_PERMISSION, ERR_DIRECTORY_REFUSED or ERR_CLOSED
   */
  async metrics(request: MetricsRequest = {}): Promise<MetricsAnswer> {
    const { contentType, wanted } = this.#wanted(request);
    return { contentType, body: await this.#collector.body(wanted, this.#settings) };
  }

  #wanted({ accept, format: named, names }: MetricsRequest): { contentType: string; wanted: BodyRequest } {
    const { namedFormat, negotiateFormat } = require('../exposition/negotiate.js') as typeof negotiation;
    const { contentType, format, escaping } =
      named === undefined ? negotiateFormat(accept, this.#negotiation) : namedFormat(named);
    const wanted = names === undefined || names.length === 0 ? { format, escaping } : { format, escaping, names };
    return { contentType, wanted };
  }

  /** The merged data model: the same families, series and order as the exposition. Throws as `metrics` does. */
  async families(): Promise<MetricFamily[]> {
    return this.#collector.families(this.#settings);
  }

  /** The processes and threads that have files. Throws as `metrics` does. */
  async processes(): Promise<ProcessInfo[]> {
    return this.#collector.collect({ kind: 'processes' });
  }

  /**
   * The state of the directory for an operator: processes, sizes of metrics, skipped files and folding, and the present
   * values of some metrics for live charts. The status page shows it. Throws as `metrics` does.
   */
  async status(charts: readonly ChartRequest[] = [], options: StatusOptions = {}): Promise<DirectoryStatus> {
    const { search, isBackground } = options;
    return this.#collector.status(this.#settings, { charts, search }, isBackground);
  }

  /**
   * Folds the files of dead processes into the archive now, in a child process. A scrape that finds many of them starts a
   * fold by itself. A fold that is not possible does not throw: its result has the reason.
   *
   * @throws {PromMultiprocError} ERR_NO_DIRECTORY, ERR_PERMISSION, ERR_DIRECTORY_REFUSED or ERR_CLOSED
   */
  fold(): Promise<FoldResult> {
    return this.#collector.fold();
  }

  /** Ends the thread and closes all files, after the present collection or fold. */
  async close(): Promise<void> {
    await this.#collector.close();
  }

  static {
    lend = async (collector: MultiprocessCollector, request: MetricsRequest): Promise<LentAnswer> => {
      const { contentType, wanted } = collector.#wanted(request);
      return { contentType, ...(await collector.#collector.lentBody(wanted, collector.#settings)) };
    };
  }
}

/**
 * The same as `metrics()`, for a caller that gives the body back. Undefined where the source is no collector, or one whose
 * `metrics` is another function: then that one counts.
 */
export function lentMetrics(source: object, request: MetricsRequest): Promise<LentAnswer> | undefined {
  const isOurs = source instanceof MultiprocessCollector && source.metrics === MultiprocessCollector.prototype.metrics;
  return isOurs ? lend(source, request) : undefined;
}
