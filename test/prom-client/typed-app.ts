/**
 * An application that uses every type of prom-client 15.1.3. It is compiled here against prom-client, and by
 * types.test.ts against this package. Nothing runs it.
 */
import client, {
  type Aggregator,
  AggregatorRegistry,
  type Charset,
  collectDefaultMetrics,
  type CollectFunction,
  type Collector,
  contentType,
  Counter,
  type CounterConfiguration,
  type DefaultMetricsCollectorConfiguration,
  exponentialBuckets,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type HistogramConfiguration,
  type IncreaseDataWithExemplar,
  type LabelValues,
  linearBuckets,
  type Metric,
  type MetricConfiguration,
  type MetricObject,
  type MetricObjectWithValues,
  MetricType,
  type MetricValue,
  type MetricValueWithName,
  type ObserveDataWithExemplar,
  type OpenMetricsContentType,
  openMetricsContentType,
  type OpenMetricsMIME,
  type OpenMetricsVersion,
  type PrometheusContentType,
  prometheusContentType,
  type PrometheusMetricsVersion,
  type PrometheusMIME,
  Pushgateway,
  register,
  Registry,
  type RegistryContentType,
  Summary,
  type SummaryConfiguration,
  validateMetricName,
} from 'prom-client';
import * as namespace from 'prom-client';

const charset: Charset = 'utf-8';
const text: PrometheusContentType = `${'text/plain' satisfies PrometheusMIME}; version=${'0.0.4' satisfies PrometheusMetricsVersion}; charset=${charset}`;
const open: OpenMetricsContentType = `${'application/openmetrics-text' satisfies OpenMetricsMIME}; version=${'1.0.0' satisfies OpenMetricsVersion}; charset=${charset}`;
const types: RegistryContentType[] = [text, open, prometheusContentType, openMetricsContentType, contentType];

// registries
const plain = new Registry();
const strict: Registry<OpenMetricsContentType> = new Registry<OpenMetricsContentType>();
const inferred: Registry = register;
strict.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
plain.setContentType(Registry.PROMETHEUS_CONTENT_TYPE);
plain.setDefaultLabels({ app: 'a', build: 7 });
const merged: Registry = Registry.merge([plain, inferred]);
const registries: (Registry<PrometheusContentType> | Registry<OpenMetricsContentType>)[] = [plain, strict];
class OwnRegistry extends Registry {
  override async metrics(): Promise<string> {
    return `${await super.metrics()}# own\n`;
  }
}
class Holder {
  constructor(private readonly registry: Registry = register) {}
  async send(response: { setHeader(name: string, value: string): void; end(body: string): void }): Promise<void> {
    response.setHeader('Content-Type', this.registry.contentType);
    response.end(await this.registry.metrics());
  }
}
export const holder = new Holder(new OwnRegistry());

// metrics
const labelNames = ['method', 'status'] as const;
type Name = (typeof labelNames)[number];
const configuration: CounterConfiguration<Name> = {
  name: 'requests_total',
  help: 'Requests.',
  labelNames,
  registers: registries,
  aggregator: 'sum',
  enableExemplars: false,
  collect() {
    this.inc({ method: 'GET' }, 1);
  },
};
const counter: Counter<Name> = new Counter(configuration);
const labels: LabelValues<Name> = { method: 'GET', status: 200 };
const increase: IncreaseDataWithExemplar<Name> = { labels, value: 2, exemplarLabels: { method: 'x' } };
counter.inc();
counter.inc(2);
counter.inc(labels);
counter.inc(labels, 2);
counter.inc(increase);
const child: Counter.Internal = counter.labels('GET', '200');
counter.labels({ method: 'GET' }).inc(2);
child.inc();
counter.remove('GET', '200');
counter.remove(labels);
counter.reset();

const unlabelled = new Counter({ name: 'plain_total', help: 'h' });
const anyCounter: Counter = unlabelled;
const byString = new Counter<string>({ name: 'strings_total', help: 'h', labelNames: ['a', 'b'] });
byString.inc({ a: 1, b: 'x' });

const gaugeConfiguration: GaugeConfiguration<'zone'> = {
  name: 'g',
  help: 'h',
  labelNames: ['zone'],
  aggregator: 'max',
};
const gauge = new Gauge({
  ...gaugeConfiguration,
  async collect() {
    await Promise.resolve();
    this.set({ zone: 'a' }, 1);
  },
});
gauge.set(1);
gauge.set({ zone: 'a' }, 1);
gauge.inc({ zone: 'a' });
gauge.dec({ zone: 'a' }, 2);
gauge.inc(1);
gauge.dec();
gauge.setToCurrentTime();
gauge.setToCurrentTime({ zone: 'a' });
const gaugeSeconds: number = gauge.startTimer({ zone: 'a' })({ zone: 'b' });
const gaugeChild: Gauge.Internal<'zone'> = gauge.labels('a');
gaugeChild.set(1);
gaugeChild.setToCurrentTime();
const gaugeEnd: (labels?: LabelValues<'zone'>) => number = gaugeChild.startTimer();

const histogramConfiguration: HistogramConfiguration<'zone'> & Histogram.Config = {
  name: 'h',
  help: 'h',
  labelNames: ['zone'],
  buckets: linearBuckets(1, 2, 3),
};
const histogram: Histogram<'zone'> = new Histogram(histogramConfiguration);
const observation: ObserveDataWithExemplar<'zone'> = { value: 1, labels: { zone: 'a' }, exemplarLabels: { zone: 'x' } };
histogram.observe(1);
histogram.observe({ zone: 'a' }, 1);
histogram.observe(observation);
histogram.zero({ zone: 'a' });
const histogramSeconds: number = histogram.startTimer()({ zone: 'a' });
const withExemplar: number = histogram.startTimer({ zone: 'a' }, { zone: 'x' })({ zone: 'b' }, { zone: 'y' });
const histogramChild: Histogram.Internal<'zone'> = histogram.labels({ zone: 'a' });
histogramChild.observe(1);
histogramChild.startTimer()({ zone: 'b' });
histogram.remove({ zone: 'a' });

const summaryConfiguration: SummaryConfiguration<'zone'> & Summary.Config = {
  name: 's',
  help: 'h',
  labelNames: ['zone'],
  percentiles: [0.5, 0.99],
  maxAgeSeconds: 60,
  ageBuckets: 5,
  pruneAgedBuckets: true,
  compressCount: 100,
};
const summary = new Summary(summaryConfiguration);
summary.observe({ zone: 'a' }, 1);
summary.observe(1);
const summaryChild: Summary.Internal<'zone'> = summary.labels('a');
const summarySeconds: number = summaryChild.startTimer()({ zone: 'b' }) + summary.startTimer({ zone: 'a' })();

// what libraries do with metrics in general
const all: Metric[] = [anyCounter, new Gauge({ name: 'x', help: 'h' }), new Histogram({ name: 'y', help: 'h' })];
for (const metric of all) plain.registerMetric(metric);
const found: Metric | undefined = register.getSingleMetric('x');
if (found instanceof Gauge) found.set(1);
const gaugeAgain = register.getSingleMetric('x') as Gauge<string> | undefined;
const counterAgain = register.getSingleMetric('requests_total') as Counter;
const base: MetricConfiguration<string> = { name: 'm', help: 'h' };
const callback: CollectFunction<Gauge> = () => {};
const counters = (objects: MetricObject[]): MetricObject[] => objects.filter(({ type }) => type === MetricType.Counter);
const collector: Collector = () => {};
const aggregator: Aggregator = 'omit';
const make = <T extends string>(config: HistogramConfiguration<T>): Histogram<T> => new Histogram<T>(config);

async function read(): Promise<unknown[]> {
  const objects: MetricObject[] = register.getMetricsAsArray();
  const json: MetricObjectWithValues<MetricValue<string>>[] = await register.getMetricsAsJSON();
  const own: MetricObjectWithValues<MetricValue<Name>> = await counter.get();
  const named: MetricObjectWithValues<MetricValueWithName<'zone'>> = await histogram.get();
  const first: number = json[0].values[0].value + own.values[0].value;
  const metricName: string | undefined = named.values[0].metricName;
  const [{ labels: own0 }] = (await gauge.get()).values;
  const zone: string | number | undefined = own0.zone;
  return [objects[0].name, objects[0].help, first, metricName, zone, await register.getSingleMetricAsString('x')];
}

// the rest of the surface
async function push(): Promise<unknown> {
  const gateway = new Pushgateway('http://127.0.0.1:9091', { timeout: 1000 }, register);
  const other: Pushgateway<PrometheusContentType> = gateway;
  const parameters: Pushgateway.Parameters = { jobName: 'job', groupings: { instance: 'a' } };
  const { resp, body } = await other.pushAdd(parameters);
  await gateway.push({ jobName: 'job' });
  await gateway.delete({ jobName: 'job' });
  return [resp, body];
}
async function clustered(): Promise<string> {
  const aggregated = new AggregatorRegistry<PrometheusContentType>();
  AggregatorRegistry.setRegistries(plain);
  AggregatorRegistry.setRegistries([plain, strict]);
  const back: Registry<PrometheusContentType> = AggregatorRegistry.aggregate<PrometheusContentType>([[], []]);
  return (await aggregated.clusterMetrics()) + (await back.metrics());
}
const defaults: DefaultMetricsCollectorConfiguration<PrometheusContentType> = {
  register: plain,
  prefix: 'app_',
  labels: { zone: 'a' },
  gcDurationBuckets: exponentialBuckets(0.001, 2, 5),
  eventLoopMonitoringPrecision: 5,
};
collectDefaultMetrics();
collectDefaultMetrics(defaults);
collectDefaultMetrics({ register: strict });
const groups: string[] = collectDefaultMetrics.metricsList;
const valid: boolean = validateMetricName('x');
register.removeSingleMetric('x');
register.resetMetrics();
register.clear();
new client.Counter({ name: 'via_default', help: 'h' }).inc();
new namespace.Counter({ name: 'via_namespace', help: 'h' }).inc();
const sameRegister: Registry = client.register;

export {
  aggregator,
  base,
  callback,
  clustered,
  collector,
  counterAgain,
  counters,
  gaugeAgain,
  gaugeEnd,
  gaugeSeconds,
  groups,
  histogramSeconds,
  make,
  merged,
  push,
  read,
  sameRegister,
  summarySeconds,
  types,
  valid,
  withExemplar,
};
