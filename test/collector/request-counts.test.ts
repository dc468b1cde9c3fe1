import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { RequestRates } from '../../src/collector/request-rates.js';
import { type Member, startMember, written } from '../support/cluster.js';
import type { Kit } from '../support/cluster-member.js';
import { collectorOf } from '../support/collector.js';
import { until } from '../support/program.js';
import { pythonFile, pythonKey } from '../support/python-file.js';
import { withTempDir } from '../support/temp-dir.js';

/** How an application counts requests with these statuses. Another process runs the functions. */
const METRICS: Readonly<Record<string, (kit: Kit, statuses: readonly string[]) => void>> = {
  'a counter with status_code': ({ prom, kept }, statuses) => {
    kept.metric ??= new prom.Counter({ name: 'http_requests_total', help: 'R', labelNames: ['status_code'] });
    for (const status of statuses) {
      kept.metric.inc({ status_code: status });
    }
  },
  'a counter with a prefix and classes of status': ({ prom, kept }, statuses) => {
    kept.metric ??= new prom.Counter({ name: 'shop_http_requests_total', help: 'R', labelNames: ['status'] });
    for (const status of statuses) {
      kept.metric.inc({ status: `${status[0]}xx` });
    }
  },
  'a histogram with code': ({ prom, kept }, statuses) => {
    kept.metric ??= new prom.Histogram({ name: 'http_request_duration_seconds', help: 'R', labelNames: ['code'] });
    for (const status of statuses) {
      kept.metric.observe({ code: status }, 0.1);
    }
  },
  'a histogram in milliseconds': ({ prom, kept }, statuses) => {
    kept.metric ??= new prom.Histogram({ name: 'http_request_duration_ms', help: 'R', labelNames: ['code'] });
    for (const status of statuses) {
      kept.metric.observe({ code: status }, 10);
    }
  },
  'a native histogram': ({ prom, kept }, statuses) => {
    kept.metric ??= new prom.Histogram({
      ...{ name: 'http_request_duration_seconds', help: 'R', labelNames: ['status_code'] },
      ...{ buckets: [], nativeHistogramBucketFactor: 1.1 },
    });
    for (const status of statuses) {
      kept.metric.observe({ status_code: status }, 0.1);
    }
  },
  'a summary': ({ prom, kept }, statuses) => {
    kept.metric ??= new prom.Summary({ name: 'http_request_duration_seconds', help: 'R', labelNames: ['status'] });
    for (const status of statuses) {
      kept.metric.observe({ status }, 0.1);
    }
  },
  "OpenTelemetry's name with dots": ({ prom, kept }, statuses) => {
    kept.metric ??= new prom.Histogram({
      ...{ name: 'http.server.request.duration_seconds', help: 'R', nameValidation: 'utf8' },
      labelNames: ['http.response.status_code'],
    });
    for (const status of statuses) {
      kept.metric.observe({ 'http.response.status_code': status }, 0.1);
    }
  },
  'a counter in two registries': ({ prom, kept }, statuses) => {
    kept.metrics ??= ['one', 'other'].map(
      (name) =>
        new prom.Counter({
          ...{ name: 'http_requests_total', help: 'R', labelNames: ['status_code'] },
          registers: [new prom.Registry(undefined, { name })],
        }),
    );
    for (const status of statuses) {
      kept.metrics[status === '500' ? 0 : 1].inc({ status_code: status });
    }
  },
  'a counter without status, beside a histogram that has it': ({ prom, kept }, statuses) => {
    kept.counter ??= new prom.Counter({ name: 'http_requests_total', help: 'R' });
    kept.metric ??= new prom.Histogram({
      name: 'http_request_duration_seconds',
      help: 'R',
      labelNames: ['status_code'],
    });
    for (const status of statuses) {
      kept.counter.inc();
      kept.metric.observe({ status_code: status }, 0.1);
    }
  },
};

async function requestsOf(
  t: TestContext,
  member: Member,
  dir: string,
  count: (statuses: readonly string[]) => Promise<unknown>,
): Promise<{ total: number; failed: number | undefined } | undefined> {
  const collector = collectorOf(t, dir);
  await count(['200']);
  await written();
  const own = async () => (await collector.status()).processes.find(({ pid }) => pid === member.pid);
  await until(async () => (await own()) !== undefined);
  await count(['200', '500', '200', '404', '200', '503', '302', '200']);
  await written();
  const { requests } = await until(own);
  if (requests === undefined) return undefined;
  const { perSecond, failedPerSecond, seconds } = requests;
  const rounded = (perSecondOf: number): number => Math.round(perSecondOf * seconds * 100) / 100;
  return { total: rounded(perSecond), failed: failedPerSecond === undefined ? undefined : rounded(failedPerSecond) };
}

for (const [name, count] of Object.entries(METRICS)) {
  test(`the requests of a worker, and those that failed, are counted by ${name}`, async (t) => {
    const dir = withTempDir(t);
    const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
    const counted = await requestsOf(t, member, dir, (statuses) => member.run(count, statuses));
    assert.deepEqual(counted, { total: 8, failed: 2 });
  });
}

test('without a label for the status nobody knows how many failed, and requests that a process makes are not its own', async (t) => {
  const dir = withTempDir(t);
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
  const counted = await requestsOf(t, member, dir, (statuses) =>
    member.run(({ prom, kept }, given) => {
      kept.metric ??= new prom.Counter({ name: 'http_requests_total', help: 'R' });
      kept.made ??= new prom.Counter({ name: 'client_http_requests_total', help: 'R', labelNames: ['status_code'] });
      for (const status of given) {
        kept.metric.inc();
        kept.made.inc({ status_code: status });
      }
    }, statuses),
  );
  assert.deepEqual(counted, { total: 8, failed: undefined });
});

test("the requests of a Python worker are counted by its exporter's counter", async (t) => {
  const dir = withTempDir(t);
  const collector = collectorOf(t, dir);
  const write = (served: number, failed: number): void => {
    const key = (status: string): string => pythonKey('flask_http_request', 'flask_http_request_total', { status });
    const entries = [
      { key: key('200'), value: served },
      { key: key('500'), value: failed },
    ];
    writeFileSync(join(dir, 'counter_4194304.db'), pythonFile(entries, true));
  };
  write(10, 0);
  await collector.status();
  write(16, 2);
  const [{ requests }] = (await collector.status()).processes;
  const { perSecond, failedPerSecond, seconds } = requests!;
  assert.deepEqual([Math.round(perSecond * seconds), Math.round(failedPerSecond! * seconds)], [8, 2]);
});

test('rates are over ten seconds, of a process that came later since it came, and of none whose counts fell', () => {
  const rates = new RequestRates();
  const at = (second: number, counts: Record<string, number>): Record<string, number> => {
    const given = new Map(Object.entries(counts).map(([file, requests]) => [file, { requests, failed: 0 }]));
    const found = rates.of(given, second * 1000);
    return Object.fromEntries([...found].map(([file, { perSecond }]) => [file, perSecond]));
  };
  assert.deepEqual(at(0, { a: 0 }), {});
  assert.deepEqual(at(1, { a: 10 }), { a: 10 });
  assert.deepEqual(at(1.1, { a: 22 }), { a: 20 });
  for (let second = 2; second < 10; second++) at(second, { a: 10, b: 5 * second });
  assert.deepEqual(at(10, { a: 110, b: 50 }), { a: 11, b: 5 });
  // the reading at 0 s is too old
  assert.deepEqual(at(11, { a: 111, b: 0 }), { a: 10.1 });
});
