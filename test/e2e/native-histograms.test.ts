/** Both Prometheus releases read native histograms of a cluster whose workers are killed, folded and replaced. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { Random } from '../fuzz/random.js';
import { type Member, startCluster } from '../support/cluster.js';
import { needs } from '../support/needs.js';
import { until } from '../support/program.js';
import { type Prometheus, startPrometheus } from '../support/prometheus.js';
import { withTempDir } from '../support/temp-dir.js';

const SHARES = [0.1, 0.5, 0.9, 0.99];

const durations = (seed: number, count: number): number[] => {
  const random = new Random(seed);
  return Array.from({ length: count }, () => random.duration());
};

async function observe(worker: Member, factor: number, values: readonly number[]): Promise<void> {
  await worker.run(
    ({ prom, kept }, nativeHistogramBucketFactor, all) => {
      kept.seconds ??= new prom.Histogram({
        ...{ name: 'job_seconds', help: 'Durations', buckets: [0.01, 0.05, 0.1, 1] },
        nativeHistogramBucketFactor,
      });
      for (const value of all) kept.seconds.observe(value);
    },
    factor,
    values,
  );
}

/** Checks count, sum and quantiles against the values themselves. */
async function assertShown(prometheus: Prometheus, values: readonly number[], schema: number): Promise<void> {
  await until(async () => (await prometheus.value('histogram_count(job_seconds)')) === values.length);
  const sum = await shownBy(prometheus, 'histogram_sum(job_seconds)');
  assert.ok(Math.abs(sum / values.reduce((total, value) => total + value, 0) - 1) < 1e-9);
  const sorted = values.toSorted((a, b) => a - b);
  const factor = 2 ** (2 ** -schema);
  for (const share of SHARES) {
    // a scrape that takes longer than its timeout leaves no value until the next one
    const shown = await shownBy(prometheus, `histogram_quantile(${share}, job_seconds)`);
    const rank = share * (sorted.length - 1);
    const [lower, upper] = [sorted[Math.max(0, Math.floor(rank) - 1)], sorted[Math.ceil(rank) + 1] ?? sorted.at(-1)!];
    assert.ok(shown >= lower / factor && shown <= upper * factor, `${share}: ${shown}, exactly ${lower} to ${upper}`);
  }
}

/** The value of an expression, which may come with a later scrape. */
async function shownBy(prometheus: Prometheus, expression: string): Promise<number> {
  let value: number | undefined;
  await until(async () => (value = await prometheus.value(expression)) !== undefined);
  return value!;
}

/** A reset that Prometheus sees by mistake adds everything that was counted before. */
async function assertNoReset(prometheus: Prometheus, count: number): Promise<void> {
  const increase = await shownBy(prometheus, 'histogram_count(increase(job_seconds[10m]))');
  assert.ok(increase <= 1.5 * count, `an increase of ${increase} where ${count} were counted`);
  const { data } = (await (
    await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent('job_seconds[10m]')}`)
  ).json()) as { data: { result: { histograms: [number, { count: string }][] }[] } };
  const counts = data.result.flatMap(({ histograms = [] }) => histograms.map(([, { count: shown }]) => Number(shown)));
  assert.ok(counts.length > 5);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
    'the count never falls',
  );
}

async function tellOfKills(
  t: TestContext,
  dir: string,
  start: (address: string) => Promise<Prometheus>,
): Promise<void> {
  const { primary, workers } = await startCluster(t, dir);
  const address = await primary.run(async ({ prom, kept }) => {
    kept.server = await prom.startHttpServer({ port: 0 });
    return `127.0.0.1:${kept.server.address.port}`;
  });
  const all: number[] = [];
  const count = async (worker: Member, factor: number, values: readonly number[]): Promise<void> => {
    await observe(worker, factor, values);
    all.push(...values);
  };
  const [first, second] = workers;
  await count(first, 1.1, durations(1, 300));
  await count(second, 1.1, durations(2, 300));
  const prometheus = await start(address);
  await assertShown(prometheus, all, 3);
  await first.kill();
  foldDirectory(dir);
  await count(second, 1.1, durations(3, 300));
  await assertShown(prometheus, all, 3);
  // a release with another factor
  const third = await primary.fork();
  await count(third, 1.3, durations(4, 300));
  await assertShown(prometheus, all, 2);
  await second.kill();
  await count(third, 1.3, durations(5, 100));
  await assertShown(prometheus, all, 2);
  await third.kill();
  foldDirectory(dir);
  // the release before comes back, and values that need more than 160 buckets
  const fourth = await primary.fork();
  await count(fourth, 1.1, durations(6, 300));
  await assertShown(prometheus, all, 2);
  await count(
    fourth,
    1.1,
    Array.from({ length: 300 }, (_, at) => 1.1 ** (at - 150)),
  );
  await assertShown(prometheus, all, 1);
  await fourth.kill();
  foldDirectory(dir);
  await assertShown(prometheus, all, 1);
  await assertNoReset(prometheus, all.length);
}

function configuration(address: string, job: object): object {
  return {
    global: { scrape_interval: '200ms', scrape_timeout: '200ms' },
    scrape_configs: [{ job_name: 'app', static_configs: [{ targets: [address] }], ...job }],
  };
}

const FLAGS = ['--enable-feature=native-histograms'];

// both wait for scrapes most of the time
describe('native histograms of killed and folded workers', { concurrency: true }, () => {
  it('have no reset in Prometheus 2', needs('prometheus'), async (t) => {
    const dir = withTempDir(t);
    await tellOfKills(t, dir, (address) => startPrometheus(t, dir, configuration(address, {}), { flags: FLAGS }));
  });

  it('have no reset in Prometheus 3, and the same counts in both flavours', needs('prometheus 3'), async (t) => {
    const dir = withTempDir(t);
    const options = { version: 3 as const, flags: FLAGS };
    let prometheus!: Prometheus;
    await tellOfKills(t, dir, async (address) => {
      const job = { always_scrape_classic_histograms: true };
      prometheus = await startPrometheus(t, dir, configuration(address, job), options);
      return prometheus;
    });
    const total = await prometheus.value('histogram_count(job_seconds)');
    await until(async () => (await prometheus.value('job_seconds_count')) === total);
    assert.equal(await prometheus.value('job_seconds_bucket{le="+Inf"}'), total);
    for (const bound of [0.05, 0.1, 1]) {
      const classic = (await prometheus.value(`job_seconds_bucket{le="${bound === 1 ? '1.0' : bound}"}`))!;
      const native = total! * (await prometheus.value(`histogram_fraction(-1, ${bound}, job_seconds)`))!;
      assert.ok(Math.abs(classic - native) < 0.1 * total!, `up to ${bound}: ${classic} and ${native}`);
    }
  });
});
