/**
 * `node --import prom-multiproc/register app.js`: every module that loads prom-client,
 * @prometheus-io/client or @platformatic/prom-client gets this package.
 *
 * For TypeScript, `import 'prom-multiproc/register'` or `"types": ["prom-multiproc/register"]` adds the additional options
 * and methods of metrics to prom-client's types.
 */
import type { MultiprocessMode } from './model/gauge-mode.js';
import { installHooks } from './prom-client/install-hooks.js';
import type { ScopeOptions } from './registry/registry-options.js';

declare module 'prom-client' {
  interface GaugeConfiguration<T extends string> {
    /** How the values of several processes are merged; not allowed together with `aggregator`. Default: `livesum`. */
    multiprocessMode?: MultiprocessMode;
  }

  interface Gauge<T extends string> {
    readonly multiprocessMode: string;
  }

  interface Registry<BoundRegistryContentType extends RegistryContentType> {
    metrics(options?: ScopeOptions): Promise<string>;
    getMetricsAsJSON(options?: ScopeOptions | string): Promise<MetricObjectWithValues<MetricValue<string>>[]>;
    /** prom-client's own types allow a registry only the content type that it began with. */
    setContentType(contentType: PrometheusContentType | OpenMetricsContentType): void;
  }

  interface DefaultMetricsCollectorConfiguration<T extends RegistryContentType> {
    /** Shows the gauges of each living process as series of their own, with a label `pid`. */
    perProcess?: boolean;
  }
}

installHooks();
