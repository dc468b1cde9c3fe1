/**
 * What libraries and tests of applications do with the types of prom-client 15.1.3: generics, parts, overriding, stand-ins.
 * Compiled as typed-app.ts is. Nothing runs it.
 */
import client, {
  type CollectFunction,
  Counter,
  Gauge,
  Histogram,
  type HistogramConfiguration,
  type Metric,
  type MetricObject,
  MetricType,
  type OpenMetricsContentType,
  Pushgateway,
  register,
  Registry,
  Summary,
} from 'prom-client';

const config = { name: 'n', help: 'h' };

// type arguments that are written out
export const found = register.getSingleMetric<'zone'>('n');
register.registerMetric<'zone'>(new Counter<'zone'>({ ...config, labelNames: ['zone'] }));
export const strict: Registry<OpenMetricsContentType> = new Registry<OpenMetricsContentType>();

// metrics of other label names stand in for one another
const take = (counter: Counter<'a'>): void => counter.inc({ a: 1 });
take(new Counter<string>(config));
take(new Counter<'a' | 'b'>(config));
export const wide: Counter = new Counter<'a'>(config);
export const narrow: [Gauge<'a'>, Histogram<'a'>, Summary<'a'>] = [
  new Gauge<string>(config),
  new Histogram<string>(config),
  new Summary<string>(config),
];
const labels: Record<string, string> = {};
new Counter<string>({ ...config, labelNames: Object.keys(labels) }).inc(labels, 2);

// overriding
export class OwnGauge extends Gauge {
  override set(...args: any[]): void {
    super.set(...(args as [number]));
  }
  override async get(): ReturnType<Gauge['get']> {
    return super.get();
  }
}
class OwnRegistry extends Registry {
  override getSingleMetric<T extends string>(name: string): Metric<T> | undefined {
    return super.getSingleMetric(name);
  }
  override registerMetric<T extends string>(metric: Metric<T>): void {
    super.registerMetric(metric);
  }
  override clear(): void {}
}
export const own: Registry = new OwnRegistry();

// stand-ins for tests
export const part: Pick<Counter, 'inc'> = { inc() {} };
export class NoCounter implements Pick<Counter, 'inc' | 'reset'> {
  inc(): void {}
  reset(): void {}
}
export const someRegistry: Partial<Registry> = { metrics: async () => '' };
export const counterChild: Counter.Internal = { inc() {} };
const noTimer = (): (() => number) => () => 1;
export const gaugeChild: Gauge.Internal<'a'> = {
  inc() {},
  dec() {},
  set() {},
  setToCurrentTime() {},
  startTimer: noTimer,
};
export const histogramChild: Histogram.Internal<'a'> = { observe() {}, startTimer: () => () => {} };
export const summaryChild: Summary.Internal<'a'> = { observe() {}, startTimer: noTimer };

// types made of types
export const counterConfig: ConstructorParameters<typeof Counter>[0] = { ...config, labelNames: ['x'] };
export const increase: Parameters<Counter<'a'>['inc']> = [{ labels: { a: 1 } }];
export const end: ReturnType<Histogram<'a'>['startTimer']> = new Histogram<'a'>(config).startTimer({ a: 1 });
export const instance: InstanceType<typeof client.Counter> = new client.Counter(config);
export const everyType: Record<MetricType, string> = {
  [MetricType.Counter]: 'c',
  [MetricType.Gauge]: 'g',
  [MetricType.Histogram]: 'h',
  [MetricType.Summary]: 's',
};

// metrics of any kind
const metrics: Metric[] = [new Histogram<'a'>(config), new Counter<'b'>(config)];
for (const metric of metrics) {
  metric.reset();
  metric.remove('a');
  if (metric instanceof Counter) metric.inc();
  else if (metric instanceof Histogram || metric instanceof Summary) metric.observe(1);
  else metric.set(1);
}
export const objects: MetricObject[] = register.getMetricsAsArray();

// callbacks know their metric
const collect: CollectFunction<Counter<'a'>> = function () {
  this.inc({ a: 'x' });
};
new Counter<'a'>({ ...config, labelNames: ['a'], collect });
export const histogramConfig: HistogramConfiguration<'a'> = {
  ...config,
  collect() {
    this.observe({ a: 1 }, 2);
    this.zero({ a: 2 });
  },
};

// node's options for the gateway's requests, those for TLS among them
export const gateway = new Pushgateway('https://x', { rejectUnauthorized: false, ca: '', timeout: 1 }, register);
