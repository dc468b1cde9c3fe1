/** Which table of the guide is about which type. */
export interface OptionTable {
  readonly page: string;
  readonly heading: string;
  /** As TypeScript writes it, `prom` being the package. */
  readonly type: string;
  /** The interfaces whose docstrings have the defaults. */
  readonly interfaces: readonly string[];
  /** Not every member has to be there: the rest is node's. */
  readonly isPart?: boolean;
}

const METRIC_CONFIGURATIONS = ['Counter', 'Gauge', 'Histogram', 'Summary'].map((type) => `${type}Configuration`);

export const OPTION_TABLES: readonly OptionTable[] = [
  {
    page: 'metrics.md',
    heading: 'Options of metrics',
    type: [
      ...METRIC_CONFIGURATIONS.map((name) => `Required<prom.${name}<string>>`),
      'Required<prom.StateSetConfiguration<string, string>>',
    ].join(' & '),
    interfaces: ['MetricConfiguration', ...METRIC_CONFIGURATIONS],
  },
  {
    page: 'processes.md',
    heading: '`setupPrimary()`',
    type: 'prom.SetupPrimaryOptions',
    interfaces: ['SetupPrimaryOptions', 'DirectoryPermissions', 'FilePermissions'],
  },
  {
    page: 'processes.md',
    heading: 'Folding',
    type: 'prom.FoldSettings',
    interfaces: ['FoldOptions', 'FoldThreshold', 'FilePermissions'],
  },
  {
    page: 'serving.md',
    heading: 'Options of `metricsHandler()`',
    type: 'prom.MetricsHandlerOptions',
    interfaces: ['MetricsHandlerOptions'],
  },
  {
    page: 'serving.md',
    heading: 'Options of `startHttpServer()`',
    type: 'Omit<prom.HttpServerOptions, keyof prom.MetricsHandlerOptions>',
    interfaces: ['HttpServerOptions'],
  },
  {
    page: 'serving.md',
    heading: 'A collector by hand',
    type: 'prom.MultiprocessCollectorOptions',
    interfaces: ['MultiprocessCollectorOptions'],
  },
  {
    page: 'serving.md',
    heading: 'Pushing: `Pushgateway`',
    type: 'prom.PushgatewayOptions',
    interfaces: [],
    isPart: true,
  },
  {
    page: 'serving.md',
    heading: 'Into a file: `writeToTextfile()`',
    type: 'prom.TextfileOptions',
    interfaces: ['TextfileOptions'],
  },
  {
    page: 'serving.md',
    heading: 'Pushing by an interval: `startPush()`',
    type: "import('prom-multiproc/push').PushOptions",
    interfaces: ['PushOptions'],
  },
  { page: 'http.md', heading: 'Options', type: 'prom.HttpMetricsOptions', interfaces: ['HttpMetricsOptions'] },
  {
    page: 'opentelemetry.md',
    heading: 'Options of the provider',
    type: "import('prom-multiproc/otel').MeterProviderOptions",
    interfaces: ['MeterProviderOptions'],
  },
  {
    page: 'opentelemetry.md',
    heading: 'Views',
    type: "import('prom-multiproc/otel').View",
    interfaces: ['View'],
  },
  { page: 'migration.md', heading: 'By mirror', type: 'prom.MirrorOptions', interfaces: ['MirrorOptions'] },
];
