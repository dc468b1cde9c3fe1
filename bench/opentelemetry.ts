/**
 * The time of one `counter.add(1, attributes)` and one `histogram.record(value, attributes)` with three attributes, compared
 * with OpenTelemetry's SDK, and the time that trace exemplars add where no span is active.
 *
 *   node dist/bench/opentelemetry.js
 *
 * Both sides have counted the same before the time is measured.
 */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, type Context, type ContextManager, type Meter, ROOT_CONTEXT } from '@opentelemetry/api';
import { Counter, Histogram, Registry } from 'prom-multiproc';
import { MeterProvider } from 'prom-multiproc/otel';
import { npmPackage } from '../test/support/npm-package.js';
import { nanosecondsOf, type Work } from './operation.js';
import { table } from './report.js';

/** Of each kind, before the values are compared. */
const CALLS = 200_000;
const BOUNDARIES = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000];
const ATTRIBUTES = Array.from({ length: 50 }, (_, at) => ({ method: 'GET', route: `/users/${at}`, status: 200 }));

async function main(): Promise<void> {
  const sdkMetrics = require(await npmPackage('@opentelemetry/sdk-metrics', '2.12.1'));
  const { AggregationTemporality, InMemoryMetricExporter, PeriodicExportingMetricReader } = sdkMetrics;
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 2 ** 30 });
  const registry = new Registry(undefined, { multiprocess: false });
  const sides = {
    'the SDK': instruments(new sdkMetrics.MeterProvider({ readers: [reader] }).getMeter('bench')),
    'prom-multiproc': instruments(new MeterProvider({ registry, scopeLabels: false }).getMeter('bench')),
  };
  for (const { add, record } of Object.values(sides)) for (const run of [add, record]) run(CALLS);
  await reader.forceFlush();
  const [counts, sums] = exporter
    .getMetrics()[0]
    .scopeMetrics[0].metrics.map(({ dataPoints }: any) => dataPoints.map(({ value }: any) => value.sum ?? value));
  const ours = await registry.getMetricsAsJSON();
  const values = (at: number, suffix: string): number[] =>
    ours[at].values.filter(({ metricName = '' }) => metricName.endsWith(suffix)).map(({ value }) => value);
  assert.deepEqual(
    ours[0].values.map(({ value }) => value),
    counts,
  );
  assert.deepEqual(values(1, '_sum'), sums);

  const rows: string[][] = [];
  for (const [name, pick] of [
    ['counter.add(1, 3 attributes)', 'add'],
    ['histogram.record(v, 3 attributes)', 'record'],
  ] as const) {
    const [sdk, own] = [sides['the SDK'], sides['prom-multiproc']].map((side) => nanosecondsOf(side[pick]));
    rows.push([name, 'the SDK', sdk.toFixed(0), '']);
    rows.push([name, 'prom-multiproc', own.toFixed(0), `${(sdk / own).toFixed(1)} ×`]);
  }
  console.log(table(['call', 'of', 'ns', 'times faster'], rows));

  const [without, traced] = [children(false), children('trace')];
  const more: string[][] = [];
  for (const [state, prepare] of Object.entries(STATES)) {
    prepare();
    for (const pick of ['inc', 'observe'] as const) {
      const [plain, exemplars] = [without, traced].map((side) => nanosecondsOf(side[pick]));
      const added = exemplars - plain;
      more.push([`child.${pick}()`, state, plain.toFixed(1), exemplars.toFixed(1), added.toFixed(1)]);
    }
  }
  console.log(table(['call, no active span', 'OpenTelemetry', 'ns', "ns with 'trace'", 'more'], more));
}

/** What an application has set up of OpenTelemetry. Each state includes those before it. */
const STATES: Readonly<Record<string, () => void>> = {
  'no context manager': () => {},
  'a context manager': () => void context.setGlobalContextManager(new Contexts()),
  // from then on Node 20 and 22 go through async_hooks
  'a context was entered': () => context.with(context.active().setValue(Symbol('any'), 1), () => {}),
};

/** The context manager of OpenTelemetry's Node.js set-up, as far as it is called here. */
class Contexts implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with(active: Context, run: (...args: any[]) => any, self?: unknown, ...args: unknown[]): any {
    return this.#storage.run(active, () => run.apply(self, args));
  }
  bind<T>(_context: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

function instruments(meter: Meter): { readonly add: Work; readonly record: Work } {
  const counter = meter.createCounter('requests');
  const histogram = meter.createHistogram('duration', { advice: { explicitBucketBoundaries: BOUNDARIES } });
  return {
    add: (count) => {
      for (let at = 0; at < count; at++) counter.add(1, ATTRIBUTES[at % ATTRIBUTES.length]);
    },
    record: (count) => {
      for (let at = 0; at < count; at++) histogram.record(at % 1000, ATTRIBUTES[at % ATTRIBUTES.length]);
    },
  };
}

function children(enableExemplars: false | 'trace'): { readonly inc: Work; readonly observe: Work } {
  const shared = { help: 'h', labelNames: ['a'], registers: [], enableExemplars };
  const counter = new Counter({ ...shared, name: 'requests_total' }).labels('x');
  const histogram = new Histogram({ ...shared, name: 'duration', buckets: BOUNDARIES }).labels('x');
  return {
    inc: (count) => {
      for (let at = 0; at < count; at++) counter.inc(0.5);
    },
    observe: (count) => {
      for (let at = 0; at < count; at++) histogram.observe(at % 1000);
    },
  };
}

void main();
