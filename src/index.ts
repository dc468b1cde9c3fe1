/**
 * prom-multiproc: Prometheus metrics from many workers.
 *
 * The folders of `src/` are the rooms along that path; `src/README.md` describes them. This file exports the public surface
 * and contains nothing else.
 */
import './collector/merged-view.js';

export { Counter } from './instruments/counter.js';
export { Gauge } from './instruments/gauge.js';
export { Histogram } from './instruments/histogram.js';
export { Info } from './instruments/info.js';
export { StateSet } from './instruments/state-set.js';
export { Summary } from './instruments/summary.js';
export type {
  CounterConfiguration,
  GaugeConfiguration,
  HistogramConfiguration,
  IncreaseDataWithExemplar,
  MetricConfiguration,
  ObserveDataWithExemplar,
  SummaryConfiguration,
} from './instruments/configuration.js';

export { contentType, register } from './registry/default-registry.js';
export { aggregators } from './registry/aggregation.js';
export { Registry } from './registry/registry.js';
export type { RegistryOptions } from './registry/registry-options.js';
export {
  OPENMETRICS_CONTENT_TYPE as openMetricsContentType,
  PROMETHEUS_CONTENT_TYPE as prometheusContentType,
  type Charset,
  type OpenMetricsContentType,
  type OpenMetricsMIME,
  type OpenMetricsVersion,
  type PrometheusContentType,
  type PrometheusMetricsVersion,
  type PrometheusMIME,
  type RegistryContentType,
} from './registry/content-type.js';
export type {
  Aggregator,
  CollectFunction,
  LabelValues,
  MetricObject,
  MetricObjectWithValues,
  MetricValue,
  MetricValueWithName,
} from './registry/metric-object.js';

export { AggregatorRegistry } from './prom-client/aggregator-registry.js';
export { ClusterRegistry } from './prom-client/cluster-registry.js';
export { WorkerRegistry } from './prom-client/worker-registry.js';
export { collectDefaultMetrics } from './default-metrics/default-metrics.js';
export type { DefaultMetricsCollectorConfiguration } from './default-metrics/configuration.js';
export { type Collector, type Metric, MetricType } from './prom-client/metric-type.js';
export { type Mirror, type MirrorOptions, mirrorRegistry, type MirrorSource } from './mirror/mirror-registry.js';
export { registerPath } from './prom-client/register-path.js';
export { Pushgateway, type PushgatewayOptions, type PushResult } from './push/pushgateway.js';
export { type TextfileOptions, writeToTextfile } from './push/textfile.js';

export { exponentialBuckets, linearBuckets } from './model/buckets.js';
export { type NameValidation, validateMetricName } from './model/naming.js';
export { MULTIPROCESS_MODES, type MultiprocessMode } from './model/gauge-mode.js';
export type { Exemplar, Labels, MetricFamily, MetricType as FamilyType, Sample } from './model/metric-family.js';

export { setupPrimary, type SetupPrimaryOptions } from './cluster/setup-primary.js';
export { workerLabel } from './cluster/worker-label.js';
export { type Pm2AppOptions, pm2Directory } from './cluster/pm2-directory.js';
export { markProcessDead, type MarkResult } from './directory/mark-dead.js';
export {
  type MetricsAnswer,
  type MetricsRequest,
  MultiprocessCollector,
  type MultiprocessCollectorOptions,
} from './collector/multiprocess-collector.js';
export type { FoldSettings } from './collector/automatic-folding.js';
export type { FoldAbandonment, FoldResult, FoldSkip } from './archive/fold-result.js';
export type { ProcessInfo } from './collector/report.js';
export type { ChartRequest } from './collector/chart.js';
export type { DirectoryStatus } from './collector/directory-status.js';

export { DEFAULT_PATH_RULES, type PathRule } from './http-metrics/path-normalizer.js';
export { LABEL_PRESETS, type LabelNames, type LabelPreset } from './http-metrics/label-names.js';
export { type HttpMetrics, httpMetrics, type HttpMetricsOptions } from './http-metrics/http-metrics.js';
export { type MetricsHandler, metricsHandler, type MetricsHandlerOptions } from './serve/answer/handler.js';
export { type HttpServerOptions, type RunningServer, startHttpServer } from './serve/listen/http-server.js';

export { ListenError } from './serve/listen/listen-error.js';
export { WebConfigError } from './serve/web-config/web-config-error.js';
export type { Route } from './serve/listen/route.js';
export { BadFileError, type CorruptionEvidence, type ErrorCode, PromMultiprocError } from './errors.js';

// types in the signatures above
export type { Chart, ChartLine, Grouping } from './collector/chart.js';
export type { CollectionStats, SkippedFile } from './collector/report.js';
export type { SkipReason } from './directory/skip-reason.js';
export type { FamilySize, FoldingStatus } from './collector/directory-status.js';
export type { ExpositionFormat } from './exposition/formats.js';
export type { FastifyPlugin, HonoMiddleware, KoaMiddleware } from './http-metrics/frameworks.js';
export type { InfoConfiguration, StateSetConfiguration } from './instruments/configuration.js';
export type { CounterChild } from './instruments/counter.js';
export type { GaugeChild } from './instruments/gauge.js';
export type { HistogramChild } from './instruments/histogram.js';
export type { InfoPairs } from './instruments/info.js';
export type { AnyFunction, ExceptionOptions, FunctionDecorator } from './instruments/observed-function.js';
export type { SummaryChild } from './instruments/summary.js';
export type { CollectedMetric, ExemplarObject } from './registry/metric-object.js';
export type { MergeableRegistry, ScopeOptions } from './registry/registry-options.js';
export type { LandingText } from './serve/listen/landing-page.js';
export type { MetricsSource } from './serve/answer/metrics-source.js';
export type { OnWarning } from './serve/warning.js';
export type { ConfigPlace } from './serve/web-config/web-config-error.js';
