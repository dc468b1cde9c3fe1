import type { MetricsAnswer, MetricsRequest } from '../../collector/multiprocess-collector.js';

/** The interface between the handler and the collector. */
export interface MetricsSource {
  /**
   * One exposition in the format that the source chooses by `accept`. Scrapes that share one collection get the same `body`
   * object, so that the handler compresses it once.
   */
  metrics(request: Pick<MetricsRequest, 'accept' | 'names'>): Promise<MetricsAnswer>;
}
