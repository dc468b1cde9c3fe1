/** Both Prometheus releases read protobuf, UTF-8 names, exemplars and created timestamps. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { startCluster } from '../support/cluster.js';
import { needs } from '../support/needs.js';
import { until } from '../support/program.js';
import { type Prometheus, startPrometheus } from '../support/prometheus.js';
import { withTempDir } from '../support/temp-dir.js';

const PROTOBUF_FIRST = ['PrometheusProto', 'OpenMetricsText1.0.0', 'PrometheusText0.0.4'];

/**
 * A cluster of two workers that have counted three requests and four durations each; returns the address of its metrics.
 */
async function startApplication(t: TestContext, dir: string): Promise<string> {
  const { primary, workers } = await startCluster(t, dir);
  for (const worker of workers) {
    await worker.run(({ prom }) => {
      const requests = new prom.Counter({
        name: 'http.server.requests',
        help: 'Requests',
        labelNames: ['http.method'],
        nameValidation: 'utf8',
      });
      requests.inc({ 'http.method': 'GET' }, 3);
      const seconds = new prom.Histogram({
        name: 'job_seconds',
        help: 'Durations',
        buckets: [0.1, 1],
        enableExemplars: true,
        nameValidation: 'utf8',
      });
      for (const value of [0.05, 0.5, 0.5, 5]) {
        seconds.observe({ value, exemplarLabels: { trace_id: `of-${value}`, 'span.id': '1' } });
      }
      new prom.Summary({ name: 'wait_seconds', help: 'Waits', percentiles: [0.5] }).observe(2);
      new prom.Gauge({ name: 'workers', help: 'Workers' }).set(1);
    });
  }
  return primary.run(async ({ prom, kept }) => {
    kept.server = await prom.startHttpServer({ port: 0 });
    return `127.0.0.1:${kept.server.address.port}`;
  });
}

function configuration(address: string, job: object): object {
  return {
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'app', static_configs: [{ targets: [address] }], ...job }],
  };
}

/** The trace ids of a metric's exemplars. */
async function tracesOf({ url }: Prometheus, metric: string): Promise<string[]> {
  const now = Date.now() / 1000;
  const query = new URLSearchParams({ query: metric, start: String(now - 600), end: String(now + 600) });
  const { data } = (await (await fetch(`${url}/api/v1/query_exemplars?${query.toString()}`)).json()) as {
    data: { exemplars: { labels: { trace_id: string } }[] }[];
  };
  return data.flatMap(({ exemplars }) => exemplars.map(({ labels }) => labels.trace_id)).toSorted();
}

/** Checks the values that depend neither on the format nor on the form of names. */
async function assertValues(prometheus: Prometheus, requests: string): Promise<void> {
  await until(async () => (await prometheus.value('up{job="app"}')) === 1);
  await until(async () => (await prometheus.value(requests)) === 6);
  assert.deepEqual(
    (await prometheus.query('job_seconds_bucket')).map(({ value }) => value).toSorted((a, b) => a - b),
    [2, 6, 8],
  );
  assert.equal(await prometheus.value('job_seconds_count'), 8);
  assert.ok(Math.abs((await prometheus.value('job_seconds_sum'))! - 12.1) < 1e-9);
  assert.equal(await prometheus.value('wait_seconds{quantile="0.5"}'), 2);
  assert.equal(await prometheus.value('workers'), 2);
  assert.equal(await prometheus.value('prom_multiproc_processes{state="live"}'), 2);
  assert.deepEqual(await tracesOf(prometheus, 'job_seconds_bucket'), ['of-0.05', 'of-0.5', 'of-5']);
}

test(
  'Prometheus 2 with native histograms scrapes protobuf, with exemplars and escaped names',
  needs('prometheus'),
  async (t) => {
    const dir = withTempDir(t);
    const flags = ['--enable-feature=native-histograms,exemplar-storage'];
    const prometheus = await startPrometheus(t, dir, configuration(await startApplication(t, dir), {}), { flags });
    await assertValues(prometheus, 'http_server_requests{http_method="GET"}');
    assert.equal(await prometheus.value('job_seconds_bucket{le="1.0"}'), 6, 'le is spelled so in protobuf');
  },
);

for (const [format, protocols] of [
  ['OpenMetrics', undefined],
  ['protobuf', PROTOBUF_FIRST],
] as const) {
  test(`Prometheus 3 scrapes ${format}, with exemplars and unescaped UTF-8 names`, needs('prometheus 3'), async (t) => {
    const dir = withTempDir(t);
    const job = protocols === undefined ? {} : { scrape_protocols: protocols };
    const options = {
      version: 3 as const,
      flags: [
        '--enable-feature=exemplar-storage' + (protocols === undefined ? '' : ',created-timestamp-zero-ingestion'),
      ],
    };
    const prometheus = await startPrometheus(t, dir, configuration(await startApplication(t, dir), job), options);
    await assertValues(prometheus, '{"http.server.requests","http.method"="GET"}');
    // there is a sample of 0 at the creation of the series, before its first scrape
    const least = await prometheus.value('min_over_time({"http.server.requests"}[10m])');
    assert.equal(least, protocols === undefined ? 6 : 0);
  });
}

test('Prometheus 3 gets names in each escaping scheme, in text and protobuf', needs('prometheus 3'), async (t) => {
  const dir = withTempDir(t);
  const address = await startApplication(t, dir);
  const names = {
    underscores: ['http_server_requests', 'http_method', 'job_seconds_count'],
    dots: ['http_dot_server_dot_requests', 'http_dot_method', 'job__seconds_count'],
    values: ['U__http_2e_server_2e_requests', 'U__http_2e_method', 'job_seconds_count'],
  };
  const protocols = {
    text: ['PrometheusText1.0.0'],
    openmetrics: ['OpenMetricsText1.0.0'],
    protobuf: PROTOBUF_FIRST,
  };
  const jobs = Object.keys(names).flatMap((scheme) =>
    Object.entries(protocols).map(([format, scrape_protocols]) => ({
      ...{ job_name: `${scheme} ${format}`, static_configs: [{ targets: [address] }], scrape_protocols },
      metric_name_escaping_scheme: scheme,
    })),
  );
  const options = { version: 3 as const };
  const settings = { global: { scrape_interval: '1s', scrape_timeout: '1s' }, scrape_configs: jobs };
  const prometheus = await startPrometheus(t, dir, settings, options);
  for (const [scheme, [requests, method, seconds]] of Object.entries(names)) {
    for (const format of Object.keys(protocols)) {
      const job = `job="${scheme} ${format}"`;
      await until(async () => (await prometheus.value(`${requests}{${method}="GET",${job}}`)) === 6);
      // Prometheus adds the suffix of a protobuf histogram by itself
      assert.equal(await prometheus.value(`${seconds}{${job}}`), 8, job);
    }
  }
});
