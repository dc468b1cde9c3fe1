/** The same calls on OpenTelemetry's SDK with its Prometheus exporter, and on our provider: the same series and values. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Meter, MeterProvider as ApiMeterProvider } from '@opentelemetry/api';
import fc from 'fast-check';
import { Registry } from 'prom-multiproc';
import { MeterProvider } from 'prom-multiproc/otel';
import { parseExposition } from '../support/exposition-parser.js';
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

test('any calls give the series and values of the SDK with its Prometheus exporter', async () => {
  const { PrometheusExporter, PrometheusSerializer } = require(
    await npmPackage('@opentelemetry/exporter-prometheus', '0.223.0'),
  );
  const { MeterProvider: SdkMeterProvider } = require(await npmPackage('@opentelemetry/sdk-metrics', '2.12.1'));
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 40 }), async (calls) => {
      const exporter = new PrometheusExporter({ preventServerStart: true });
      count(new SdkMeterProvider({ readers: [exporter] }), calls);
      const { resourceMetrics } = await exporter.collect();
      const serializer = new PrometheusSerializer(undefined, false, undefined, true);
      const expected: string = serializer.serialize(resourceMetrics);
      const registry = new Registry(undefined, { multiprocess: false });
      count(new MeterProvider({ registry, unitSuffixes: false }), calls);
      assert.deepEqual(valuesOf(await registry.metrics()), valuesOf(expected.replaceAll(/^# UNIT.*\n/gm, '')));
    }),
    { numRuns: 60 },
  );
});
