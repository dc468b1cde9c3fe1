/** Exemplars with the ids of the active span, of both kinds of instruments. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { context, type ContextManager, trace, type Tracer } from '@opentelemetry/api';
import type { Registry } from 'prom-multiproc';
import { Counter, Histogram, httpMetrics } from 'prom-multiproc';
import { MeterProvider } from 'prom-multiproc/otel';
import { formatOf } from '../../src/exposition/formats.js';
import { MEMBER } from '../../src/registry/member.js';
import { ask } from '../support/http-request.js';
import { openMetricsRegistry } from '../support/local-registry.js';
import { until } from '../support/program.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { npmPackage } from '../support/npm-package.js';

/** The ids of the last span of `inSpan`. */
let ids = { trace_id: '', span_id: '' };
let manager: ContextManager;
let tracer: Tracer;
let unsampled: Tracer;

/** Runs something within a real span. */
function inSpan(of: Tracer, run: () => void): void {
  of.startActiveSpan('work', (span) => {
    const { traceId, spanId } = span.spanContext();
    ids = { trace_id: traceId, span_id: spanId };
    run();
    span.end();
  });
}

before(async () => {
  const sdk = require(await npmPackage('@opentelemetry/sdk-trace-base', '2.12.1'));
  const { AsyncLocalStorageContextManager } = require(await npmPackage('@opentelemetry/context-async-hooks', '2.12.1'));
  manager = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(manager);
  tracer = new sdk.BasicTracerProvider({ sampler: new sdk.AlwaysOnSampler() }).getTracer('test');
  unsampled = new sdk.BasicTracerProvider({ sampler: new sdk.AlwaysOffSampler() }).getTracer('test');
});

async function exemplars(registry: Registry<any>): Promise<string[]> {
  return (await registry.metrics())
    .split('\n')
    .flatMap((line) => (line.includes(' # ') ? line.split(' ').slice(0, 5) : []));
}

const idsText = (): string => `{trace_id="${ids.trace_id}",span_id="${ids.span_id}"}`;

describe('trace exemplars', () => {
  it('may be those of a metric that is made within a span', async () => {
    const registers = [openMetricsRegistry()];
    inSpan(tracer, () => new Counter({ name: 'hits_total', help: 'h', registers, enableExemplars: 'trace' }));
    assert.deepEqual(await exemplars(registers[0]), []);
    inSpan(tracer, () => registers[0].getSingleMetric('hits_total').inc());
    assert.deepEqual(await exemplars(registers[0]), ['hits_total', '1', '#', idsText(), '1']);
  });

  it("are the ids of the active sampled span, for prom-client's instruments with enableExemplars: 'trace'", async () => {
    const registers = [openMetricsRegistry()];
    const shared = { help: 'h', labelNames: ['a'], registers, enableExemplars: 'trace' as const };
    const counter = new Counter({ ...shared, name: 'hits_total' });
    const histogram = new Histogram({ ...shared, name: 'times', buckets: [1] });
    const native = new Histogram({ ...shared, name: 'native', buckets: [1], nativeHistogramBucketFactor: 1.1 });
    // without a span, and in one that is not sampled
    counter.inc({ a: 'x' });
    inSpan(unsampled, () => histogram.observe({ a: 'x' }, 0.5));
    assert.deepEqual(await exemplars(registers[0]), []);
    inSpan(tracer, () => {
      counter.inc({ a: 'x' }, 2);
      histogram.labels('x').observe(0.5);
      native.observe({ a: 'x' }, 3);
    });
    assert.deepEqual(await exemplars(registers[0]), [
      ...['hits_total{a="x"}', '3', '#', idsText(), '2'],
      ...['times_bucket{le="1",a="x"}', '2', '#', idsText(), '0.5'],
      ...['native_bucket{le="+Inf",a="x"}', '1', '#', idsText(), '3'],
    ]);
    const body = formatOf('protobuf').render([counter, histogram, native].map((metric) => metric[MEMBER].family()));
    const decoded = decodeProtobuf(body).flatMap(({ samples, native: natives }) => [
      ...samples.flatMap(({ exemplar }) => exemplar ?? []),
      ...natives.flatMap((each) => each.exemplars),
    ]);
    assert.deepEqual(
      decoded.map(({ labels, value }) => [{ ...labels }, value]),
      [2, 0.5, 3, 3].map((value) => [ids, value]),
    );
  });

  it('are those of the spans of requests that httpMetrics counts', async (t) => {
    const registry = openMetricsRegistry();
    const metrics = httpMetrics({ exemplars: true, registers: [registry] });
    const server = createServer((request, response) => {
      inSpan(tracer, () => metrics.middleware(request, response, () => setImmediate(() => response.end('ok'))));
    });
    t.after(() => server.close());
    await once(server.listen(0, '127.0.0.1'), 'listening');
    await ask(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const shown = await until(async () => {
      const found = (await exemplars(registry)).filter((word) => word.includes('trace_id'));
      return found.length === 2 && found;
    });
    assert.deepEqual(shown, [idsText(), idsText()]);
  });

  it('are written once per series and second', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: 5_000_000 });
    const registry = openMetricsRegistry();
    const counter = new Counter({ name: 'hits_total', help: 'h', registers: [registry], enableExemplars: 'trace' });
    inSpan(tracer, () => counter.inc(1));
    const first = idsText();
    t.mock.timers.tick(900);
    inSpan(tracer, () => counter.inc(2));
    assert.deepEqual((await exemplars(registry)).slice(3), [first, '1']);
    t.mock.timers.tick(100);
    inSpan(tracer, () => counter.inc(3));
    assert.deepEqual((await exemplars(registry)).slice(3), [idsText(), '3']);
  });

  it('cost a busy series a look at few of its samples, and it finds a span within 32 of them', async (t) => {
    const active = t.mock.method(manager, 'active');
    const registry = openMetricsRegistry();
    const registers = [registry];
    const counter = new Counter({ name: 'hits_total', help: 'h', registers, enableExemplars: 'trace' });
    const histogram = new Histogram({ name: 'times', help: 'h', registers, enableExemplars: 'trace', buckets: [1] });
    const hits = new MeterProvider({ registry, scopeLabels: false }).getMeter('m').createCounter('others');
    for (let at = 0; at < 10_000; at++) {
      counter.inc();
      histogram.observe(0.5);
      hits.add(1);
    }
    const looks = active.mock.callCount();
    assert.ok(looks <= 3 * (16 + 10_000 / 32), `${looks} looks at 30,000 samples`);
    inSpan(tracer, () => {
      for (let at = 0; at < 32; at++) {
        counter.inc();
        histogram.observe(0.5);
        hits.add(1);
      }
    });
    const found = (await exemplars(registry)).filter((word) => word.includes('trace_id'));
    assert.deepEqual(found, [idsText(), idsText(), idsText()]);
  });

  it('cost a series that is busy no longer nothing: it looks at each sample again after a tenth of a second', async () => {
    const registry = openMetricsRegistry();
    const counter = new Counter({ name: 'hits_total', help: 'h', registers: [registry], enableExemplars: 'trace' });
    for (let at = 0; at < 100; at++) counter.inc();
    // the timer of the series was set before
    await delay(101);
    inSpan(tracer, () => counter.inc());
    assert.deepEqual((await exemplars(registry)).slice(3), [idsText(), '1']);
  });

  it('are those of counters and histograms of OpenTelemetry, of the active context or the one that is given', async () => {
    const registry = openMetricsRegistry();
    const meter = new MeterProvider({ registry, scopeLabels: false }).getMeter('m');
    const without = openMetricsRegistry();
    const quiet = new MeterProvider({ registry: without, exemplars: false }).getMeter('m');
    inSpan(tracer, () => {
      meter.createCounter('hits').add(2);
      quiet.createCounter('hits').add(2);
    });
    const active = idsText();
    const span = tracer.startSpan('other');
    meter
      .createHistogram('times', { advice: { explicitBucketBoundaries: [1] } })
      .record(0.5, {}, trace.setSpan(context.active(), span));
    const { traceId, spanId } = span.spanContext();
    assert.deepEqual(await exemplars(registry), [
      ...['hits_total', '2', '#', active, '2'],
      ...['times_bucket{le="1"}', '1', '#', `{trace_id="${traceId}",span_id="${spanId}"}`, '0.5'],
    ]);
    assert.deepEqual(await exemplars(without), []);
  });
});
