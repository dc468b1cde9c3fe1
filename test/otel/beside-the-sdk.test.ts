/** The same calls on OpenTelemetry's SDK with its Prometheus exporter, and on our provider: the same series and values. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { context, type Meter, type MeterProvider as ApiMeterProvider, metrics } from '@opentelemetry/api';
import fc from 'fast-check';
import { Registry } from 'prom-multiproc';
import { MeterProvider } from 'prom-multiproc/otel';
import { parseExposition } from '../support/exposition-parser.js';
import { openTelemetryLibraries } from '../libraries/opentelemetry-libraries.js';
import { ask } from '../support/http-request.js';
import { until } from '../support/program.js';
import { npmPackage } from '../support/npm-package.js';

const attributes = fc.record(
  {
    'http.method': fc.constantFrom('GET', 'PUT'),
    code: fc.constantFrom(200, '404', 500.5),
    ok: fc.boolean(),
    tags: fc.constantFrom<string[] | number[]>(['a', 'b'], [1], []),
  },
  { requiredKeys: [] },
);
const call = fc.record({
  instrument: fc.constantFrom('counter', 'upDown', 'histogram', 'gauge', 'observed', 'observedLevel'),
  value: fc.nat(2000),
  attributes,
});
type Call = typeof call extends fc.Arbitrary<infer T> ? T : never;

/** Makes the calls. Each instrument is observed for the last value of its attributes. */
function count(provider: ApiMeterProvider, calls: readonly Call[]): void {
  const meter: Meter = provider.getMeter('scope', '1.0', { schemaUrl: 'http://schema' });
  const counter = meter.createCounter('requests.served', { unit: '{request}', description: 'd' });
  const upDown = meter.createUpDownCounter('queue', { description: 'd' });
  const histogram = meter.createHistogram('times', { unit: 'ms', description: 'd' });
  const gauge = meter.createGauge('level', { description: 'd' });
  const observed = meter.createObservableCounter('observed', { description: 'd' });
  const observedLevel = meter.createObservableUpDownCounter('observed.level', { description: 'd' });
  for (const { instrument, value, attributes: given } of calls) {
    if (instrument === 'counter') counter.add(value, given);
    else if (instrument === 'upDown') upDown.add(value - 1000, given);
    else if (instrument === 'histogram') histogram.record(value, given);
    else if (instrument === 'gauge') gauge.record(value, given);
  }
  const of = (name: string) => calls.filter(({ instrument }) => instrument === name);
  meter.addBatchObservableCallback(
    (result) => {
      for (const each of of('observed')) result.observe(observed, each.value, each.attributes);
      for (const each of of('observedLevel')) result.observe(observedLevel, each.value, each.attributes);
    },
    [observed, observedLevel],
  );
}

/** By name and sorted labels. */
function valuesOf(text: string): Record<string, number> {
  const entries = parseExposition(text).samples.map(({ name, labels, value }) => {
    const pairs = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return [`${name} ${JSON.stringify(pairs)}`, value] as const;
  });
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function typesOf(text: string): Record<string, string> {
  const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type] as const);
  return Object.fromEntries(types.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** The exporter repeats the headings where several libraries have a metric, which is no valid exposition. */
function grouped(text: string): string {
  const families = new Map<string, { heading: string[]; samples: string[] }>();
  let family = { heading: [] as string[], samples: [] as string[] };
  for (const line of text.split('\n').slice(0, -1)) {
    const [, keyword, name] = /^# (HELP|TYPE|UNIT) (\S+)/.exec(line) ?? [];
    if (keyword === undefined) family.samples.push(line);
    else if (keyword === 'HELP') {
      family = families.get(name) ?? { heading: [], samples: [] };
      families.set(name, family);
    }
    if ((keyword === 'HELP' || keyword === 'TYPE') && family.heading.length < 2) family.heading.push(line);
  }
  return [...families.values()].flatMap(({ heading, samples }) => [...heading, ...samples, '']).join('\n');
}

/** The SDK with its Prometheus exporter. Returns what the exporter shows. */
async function sdk(): Promise<{ provider: () => { metrics: ApiMeterProvider; shown: () => Promise<string> } }> {
  const { PrometheusExporter, PrometheusSerializer } = require(
    await npmPackage('@opentelemetry/exporter-prometheus', '0.223.0'),
  );
  const { MeterProvider: SdkMeterProvider } = require(await npmPackage('@opentelemetry/sdk-metrics', '2.12.1'));
  const provider = () => {
    const exporter = new PrometheusExporter({ preventServerStart: true });
    const shown = async (): Promise<string> => {
      const { resourceMetrics } = await exporter.collect();
      return grouped(new PrometheusSerializer(undefined, false, undefined, true).serialize(resourceMetrics));
    };
    return { metrics: new SdkMeterProvider({ readers: [exporter] }), shown };
  };
  return { provider };
}

test('any calls give the series and values of the SDK with its Prometheus exporter', async () => {
  const { provider } = await sdk();
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 40 }), async (calls) => {
      const { metrics: theirs, shown } = provider();
      count(theirs, calls);
      const registry = new Registry(undefined, { multiprocess: false });
      count(new MeterProvider({ registry, unitSuffixes: false }), calls);
      assert.deepEqual(valuesOf(await registry.metrics()), valuesOf(await shown()));
    }),
    { numRuns: 60 },
  );
});

/** A provider whose instruments count in those of two others. */
function both(first: ApiMeterProvider, second: ApiMeterProvider): ApiMeterProvider {
  const pair = <T extends object>(one: T, other: T): T =>
    new Proxy(one, {
      get: (_, name) => {
        const value: unknown = one[name as keyof T];
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          const [mine, theirs] = [one, other].map((of: any, at) => of[name](...args.map((each) => partOf(each, at))));
          return typeof mine === 'object' && mine !== null ? joined(mine, theirs as object) : mine;
        };
      },
    });
  const parts = new WeakMap<object, readonly [object, object]>();
  const joined = (one: object, other: object): object => {
    const joint = pair(one, other);
    parts.set(joint, [one, other]);
    return joint;
  };
  // a batch callback is given instruments, and observes them: those of the side that reads
  const partOf = (value: unknown, at: number): unknown => {
    if (Array.isArray(value)) return value.map((each) => partOf(each, at));
    if (typeof value === 'object' && value !== null) return parts.get(value)?.[at] ?? value;
    if (typeof value !== 'function') return value;
    return (result: any) =>
      value({ observe: (...args: unknown[]) => result.observe(...args.map((each) => partOf(each, at))) });
  };
  return joined(first, second) as ApiMeterProvider;
}

test('instrumentation libraries as they are give the names, types, labels and values of the SDK with its exporter', async (t) => {
  const libraries = (await openTelemetryLibraries()).split(',').map((path) => require(path));
  const [http, undici, runtime, host, { ExpressInstrumentation }, contexts, { FastifyOtelInstrumentation }] = libraries;
  context.setGlobalContextManager(new contexts.AsyncLocalStorageContextManager().enable());
  const { metrics: theirs, shown } = (await sdk()).provider();
  const registry = new Registry(undefined, { multiprocess: false });
  metrics.setGlobalMeterProvider(both(new MeterProvider({ registry, unitSuffixes: false }), theirs));
  const instrumentations = [
    new http.HttpInstrumentation(),
    new undici.UndiciInstrumentation(),
    new runtime.RuntimeNodeInstrumentation({ monitoringPrecision: 100 }),
    new ExpressInstrumentation(),
    new FastifyOtelInstrumentation(),
  ];
  new host.HostMetrics({ name: 'host' }).start();
  t.after(() => {
    for (const each of instrumentations) each.disable();
  });
  // loaded after their instrumentation
  const express = require('express') as typeof import('express');
  const app = express();
  app.get('/users/:id', (_request, response) => void response.send('hello'));
  app.get('/failing', (_request, response) => void response.status(500).end());
  const server = (require('node:http') as typeof import('node:http')).createServer(app);
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const path of ['/users/1', '/users/2', '/failing', '/nowhere']) await (await fetch(`${url}${path}`)).text();
  await ask(`${url}/users/3`);
  const fastify = (require('fastify') as typeof import('fastify')).default();
  await fastify.register(instrumentations.at(-1).plugin());
  fastify.get('/orders/:id', () => 'order');
  t.after(() => fastify.close());
  await ask(`${await fastify.listen({ port: 0, host: '127.0.0.1' })}/orders/7`);

  // garbage may be collected between two reads
  const [oursText, expectedText] = await until(async () => {
    const before = await registry.metrics();
    const exported = await shown();
    const after = await registry.metrics();
    const served = Object.entries(valuesOf(after)).filter(([name]) =>
      name.startsWith('http_server_request_duration_count'),
    );
    const isQuiet = JSON.stringify(counted(valuesOf(before))) === JSON.stringify(counted(valuesOf(after)));
    return isQuiet && served.reduce((sum, [, value]) => sum + value, 0) === 6 && ([after, exported] as const);
  });
  assert.deepEqual(typesOf(oursText), typesOf(expectedText));
  const [ours, expected] = [valuesOf(oursText), valuesOf(expectedText)];
  assert.deepEqual(Object.keys(ours), Object.keys(expected));
  assert.deepEqual(counted(ours), counted(expected));
  const routes = Object.entries(ours).filter(([name]) =>
    /^http_server_request_duration_count .*"http_route"/.test(name),
  );
  assert.deepEqual(
    routes.map(([name, value]) => [/"http_route","([^"]+)"/.exec(name)![1], value]),
    [
      ['/failing', 1],
      ['/orders/:id', 1],
      ['/users/:id', 3],
    ],
  );
  assert.ok(Object.keys(ours).some((name) => name.startsWith('process_cpu_time')));
});

/** Values that do not depend on when they are read: what instruments were called with. */
function counted(values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => /^(http|v8js_gc)_/.test(name)));
}
