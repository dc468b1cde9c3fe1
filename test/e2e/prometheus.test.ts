/** Prometheus itself checks the metrics of a cluster. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Member, startCluster } from '../support/cluster.js';
import { until } from '../support/program.js';
import { startPrometheus } from '../support/prometheus.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

/** Counts 10 times a second as long as the worker lives. */
async function workSteadily(worker: Member): Promise<void> {
  await worker.run(({ prom }) => {
    const jobs = new prom.Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
    const done = new prom.Counter({
      name: 'jobs_done',
      help: 'A counter without _total, as a migrated application has',
    });
    const seconds = new prom.Histogram({ name: 'job_seconds', help: 'Durations', buckets: [0.1, 1] });
    const waits = new prom.Summary({ name: 'wait_seconds', help: 'Waits' });
    new prom.Gauge({ name: 'workers', help: 'Workers', multiprocessMode: 'livesum' }).set(1);
    new prom.Gauge({ name: 'not_a_number', help: 'NaN' }).set(NaN);
    for (const kind of ['a', 'b\\"\n']) jobs.inc({ kind }, 1000);
    setInterval(() => {
      jobs.inc({ kind: 'a' });
      done.inc();
      seconds.observe(0.5);
      waits.observe(2);
    }, 100);
  });
}

test(
  'Prometheus scrapes a cluster; rate() and the totals show no reset when a worker is SIGKILLed',
  needs('prometheus'),
  async (t) => {
    const dir = withTempDir(t);
    const { primary, workers } = await startCluster(t, dir);
    for (const worker of workers) await workSteadily(worker);
    const address = await primary.run(async ({ prom, kept }) => {
      kept.server = await prom.startHttpServer({ port: 0 });
      return `127.0.0.1:${kept.server.address.port}`;
    });
    const prometheus = await startPrometheus(t, dir, {
      global: { scrape_interval: '1s', scrape_timeout: '1s' },
      scrape_configs: [{ job_name: 'app', static_configs: [{ targets: [address] }] }],
    });
    await until(async () => (await prometheus.value('up{job="app"}')) === 1);
    await until(async () => ((await prometheus.value('count_over_time(jobs_total{kind="a"}[1m])')) ?? 0) >= 4);
    await workers[0].kill('SIGKILL');
    await workSteadily(await primary.fork());
    await until(async () => (await prometheus.value('prom_multiproc_processes{state="dead"}')) === 1);
    await until(async () => (await prometheus.value('workers')) === 2);
    const scraped = async () => (await prometheus.value('count_over_time(jobs_total{kind="a"}[5m])'))!;
    const enough = (await scraped()) + 3;
    await until(async () => (await scraped()) >= enough);

    const value = async (expression: string) => {
      const answer = await prometheus.query(expression);
      assert.equal(answer.length, 1, expression);
      return answer[0].value;
    };
    assert.equal(await value('max_over_time(up{job="app"}[5s])'), 1);
    for (const counter of [
      'jobs_total{kind="a"}',
      'jobs_done',
      'job_seconds_count',
      'job_seconds_sum',
      'wait_seconds_count',
    ]) {
      assert.equal(await value(`resets(${counter}[1m])`), 0, counter);
    }
    for (const series of [
      `jobs_total{kind="b\\\\\\"\\n"}`,
      'job_seconds_bucket{le="+Inf"}',
      'job_seconds_bucket{le="1"}',
    ]) {
      assert.equal(await value(`resets(${series}[1m])`), 0, series);
    }
    // a reset would add the whole total again: more than 2000, while the workers count 20 a second
    const rate = await value('rate(jobs_done[1m])');
    assert.ok(rate > 0 && rate < 100, `rate() is ${rate}`);
    assert.equal(await value(`jobs_total{kind="b\\\\\\"\\n"}`), 3000);
    assert.ok(Number.isNaN(await value('not_a_number')));
    assert.equal(await value('histogram_quantile(0.5, rate(job_seconds_bucket[1m])) > bool 0.1'), 1);
    assert.equal(await value('prom_multiproc_processes{state="live"}'), 2);
    assert.equal(await value('prom_multiproc_processes{state="dead"}'), 1);
  },
);
