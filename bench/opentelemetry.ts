/**
 * The time of one `counter.add(1, attributes)` and one `histogram.record(value, attributes)` with three attributes, compared
 * with OpenTelemetry's SDK, and the time that trace exemplars add where no span is active.
 *
 *   node --expose-gc dist/bench/opentelemetry.js
 *
 * Both sides have counted the same before the time is measured.
 */
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { context, type Context, type ContextManager, type Meter, ROOT_CONTEXT } from '@opentelemetry/api';
import { Counter, Histogram, Registry } from 'prom-multiproc';
import { MeterProvider } from 'prom-multiproc/otel';
import { npmPackage } from '../test/support/npm-package.js';
import { median, table } from './report.js';

const CALLS = 200_000;
const TURNS = 15;
const BOUNDARIES = [5, 10, 25, 50, 75, 100, 250, 500, 750, 1000];
const ATTRIBUTES = Array.from({ length: 50 }, (_, at) => ({ method: 'GET', route: `/users/${at}`, status: 200 }));

type Run = () => void;

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
  for (const { add, record } of Object.values(sides)) for (const run of [add, record]) run();
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
    const [sdk, own] = measure(sides['the SDK'][pick], sides['prom-multiproc'][pick]);
    rows.push([name, 'the SDK', sdk.toFixed(0), '']);
    rows.push([name, 'prom-multiproc', own.toFixed(0), `${(sdk / own).toFixed(1)} ×`]);
  }
  console.log(table(['call', 'of', 'ns', 'times faster'], rows));

  context.setGlobalContextManager(new Contexts());
  const without = children(false);
  const traced = children('trace');
  const more: string[][] = [];
  for (const pick of ['inc', 'observe'] as const) {
    const [plain, exemplars] = measure(without[pick], traced[pick]);
    more.push([`child.${pick}()`, plain.toFixed(1), exemplars.toFixed(1), (exemplars - plain).toFixed(1)]);
  }
  console.log(table(['call, no active span', 'ns', "ns with 'trace'", 'more'], more));
}

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

function instruments(meter: Meter): { readonly add: Run; readonly record: Run } {
  const counter = meter.createCounter('requests');
  const histogram = meter.createHistogram('duration', { advice: { explicitBucketBoundaries: BOUNDARIES } });
  return {
    add: () => {
      for (let at = 0; at < CALLS; at++) counter.add(1, ATTRIBUTES[at % ATTRIBUTES.length]);
    },
    record: () => {
      for (let at = 0; at < CALLS; at++) histogram.record(at % 1000, ATTRIBUTES[at % ATTRIBUTES.length]);
    },
  };
}

function children(enableExemplars: false | 'trace'): { readonly inc: Run; readonly observe: Run } {
  const shared = { help: 'h', labelNames: ['a'], registers: [], enableExemplars };
  const counter = new Counter({ ...shared, name: 'requests_total' }).labels('x');
  const histogram = new Histogram({ ...shared, name: 'duration', buckets: BOUNDARIES }).labels('x');
  return {
    inc: () => {
      for (let at = 0; at < CALLS; at++) counter.inc(0.5);
    },
    observe: () => {
      for (let at = 0; at < CALLS; at++) histogram.observe(at % 1000);
    },
  };
}

/** ns per call of both, in turns. */
function measure(first: Run, second: Run): [number, number] {
  const samples: [number[], number[]] = [[], []];
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [at, run] of [first, second].entries()) {
      global.gc?.();
      const start = process.hrtime.bigint();
      run();
      if (turn > 2) samples[at].push(Number(process.hrtime.bigint() - start) / CALLS);
    }
  }
  return [median(samples[0]), median(samples[1])];
}

void main();
