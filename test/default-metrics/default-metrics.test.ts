import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import perfHooks, { type EventLoopMonitorOptions, type IntervalHistogram } from 'node:perf_hooks';
import { test } from 'node:test';
import promClient from 'prom-client';
import { collectDefaultMetrics, Registry } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { linesOf, scrape, startCluster, startMember } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { collectGarbage } from '../support/garbage.js';
import { checkMetrics } from '../support/promtool.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
}

function described(metrics: readonly Described[]): Described[] {
  return metrics.map(({ name, help, type }) => ({ name, help, type }));
}

/** Exposition without values and without series that come and go. */
function shape(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replace(/ [^ ]+$/, ''));
  return lines.filter(
    (line) => line !== '' && !line.startsWith('#') && !/^\w+(resources|handles|requests)\{/.test(line),
  );
}

test('names, types, help texts, order and labels are those of prom-client', async () => {
  const config = { prefix: 'app_', labels: { zone: 'a', rack: 7 }, gcDurationBuckets: [0.1, 0.2] };
  const theirs = new promClient.Registry();
  promClient.collectDefaultMetrics({ ...config, register: theirs });
  const ours = new Registry();
  collectDefaultMetrics({ ...config, register: ours });
  assert.deepEqual(
    described((await ours.getMetricsAsJSON({ scope: 'process' })) as Described[]),
    described((await theirs.getMetricsAsJSON()) as unknown as Described[]),
  );
  // the lag is measured by one read and shown by the next, once the histogram of delays has had its first tick
  await until(async () => /lag_seconds\{[^]*lag_p99_seconds\{/.test(await ours.metrics()));
  const [a, b] = await Promise.all([ours.metrics(), theirs.metrics()]);
  const withoutGc = (lines: string[]): string[] => lines.filter((line) => !line.includes('_gc_duration'));
  assert.deepEqual(withoutGc(shape(a)), withoutGc(shape(b)));
  assert.deepEqual(collectDefaultMetrics.metricsList, promClient.collectDefaultMetrics.metricsList);
});

test('no config, null and undefined are the same; anything else but an object is the error of prom-client', () => {
  assert.throws(() => collectDefaultMetrics('x' as never), {
    name: 'TypeError',
    message: 'config must be null, undefined, or an object',
  });
  assert.throws(() => promClient.collectDefaultMetrics('x' as never), {
    name: 'TypeError',
    message: 'config must be null, undefined, or an object',
  });
});

test('only and exclude choose groups; one that is not known is an error', async () => {
  const namesOf = async (config: object): Promise<string[]> => {
    const registry = new Registry(undefined, { multiprocess: false });
    collectDefaultMetrics({ ...config, register: registry });
    return registry.getMetricsAsArray().map(({ name }: { name: string }) => name);
  };
  assert.deepEqual(await namesOf({ only: ['version', 'processMaxFileDescriptors'] }), [
    'process_max_fds',
    'nodejs_version_info',
  ]);
  assert.deepEqual(await namesOf({ only: ['version', 'gc'], exclude: ['version'] }), ['nodejs_gc_duration_seconds']);
  const all = await namesOf({});
  const withoutGc = await namesOf({ exclude: ['gc'] });
  assert.deepEqual(withoutGc, all.slice(0, -1));
  assert.deepEqual(
    (await namesOf({ eventLoopUtilization: true })).filter((name) => !all.includes(name)),
    ['nodejs_eventloop_utilization_summary', 'nodejs_eventloop_utilization_histogram'],
  );
  assert.throws(() => collectDefaultMetrics({ exclude: ['gcc' as 'gc'] }), {
    code: 'ERR_INVALID_ARGUMENT',
    message:
      /^'gcc' is no group of default metrics: only and exclude take processCpuTotal, .*, gc, eventLoopUtilization$/,
  });
});

test("the event loop's utilization is sampled, and a loop that was blocked counts for the samples that it missed", async (t) => {
  const registry = new Registry(undefined, { multiprocess: false });
  const config = { register: registry, labels: { zone: 'a' }, prefix: 'app_', only: ['eventLoopUtilization'] } as const;
  collectDefaultMetrics({ ...config, eventLoopUtilizationTimeout: 5, eventLoopUtilizationBuckets: [0.5, 1] });
  afterTest(t, () => registry.clear());
  const counted = async (name: string): Promise<number> => {
    const { samples } = parseExposition(await registry.metrics());
    return samples.find((sample) => sample.name === name && sample.labels.zone === 'a')?.value ?? 0;
  };
  await until(async () => (await counted('app_nodejs_eventloop_utilization_summary_count')) > 0);
  const before = await counted('app_nodejs_eventloop_utilization_histogram_count');
  const end = performance.now() + 100;
  while (performance.now() < end);
  await until(async () => (await counted('app_nodejs_eventloop_utilization_histogram_count')) >= before + 20);
  const { samples } = parseExposition(await registry.metrics());
  const [inHistogram, inSummary] = ['histogram', 'summary'].map((type) =>
    samples.find(({ name }) => name === `app_nodejs_eventloop_utilization_${type}_count`),
  );
  assert.equal(inHistogram?.value, inSummary?.value);
  const quantiles = samples.filter(({ labels }) => labels.quantile !== undefined);
  assert.deepEqual(
    quantiles.map(({ labels }) => labels.quantile),
    ['0.01', '0.05', '0.5', '0.9', '0.95', '0.99', '0.999'],
  );
  assert.ok(quantiles.every(({ value }) => value >= 0 && value <= 1.01));
});

test('a second time in one registry is an error; after clear() it is not', () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  assert.throws(() => collectDefaultMetrics({ register: registry }), {
    message: 'A metric with the name process_cpu_user_seconds_total has already been registered.',
  });
  registry.clear();
  collectDefaultMetrics({ register: registry });
});

test('the event loop metrics are numbers from the first read on, however soon the next one comes', async () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 1 });
  const ticks = perfHooks.monitorEventLoopDelay({ resolution: 1 });
  ticks.enable();
  await until(() => ticks.count > 1);
  ticks.disable();
  for (let read = 0; read < 3; read++) {
    const { samples } = parseExposition(await registry.metrics());
    const lags = samples.filter(({ name }) => /^nodejs_eventloop_lag_\w+_seconds$/.test(name));
    assert.equal(lags.length, 7);
    // node answers NaN, and 9223372036 s for the minimum, to a histogram that has been reset
    for (const { name, value } of lags) assert.ok(value >= 0 && value < 1e6, `${name} ${value}`);
  }
});

test('every garbage collection is in the histogram', async () => {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, labels: { zone: 'a' } });
  collectGarbage();
  const counted = async (): Promise<number> => {
    const { samples } = parseExposition(await registry.metrics());
    const major = samples.filter(
      ({ name, labels }) => name === 'nodejs_gc_duration_seconds_count' && labels.kind === 'major',
    );
    assert.ok(major.every(({ labels }) => labels.zone === 'a'));
    return major.at(0)?.value ?? 0;
  };
  // entries come to observers when the event loop gets to it
  while ((await counted()) === 0) await new Promise((resolve) => setImmediate(resolve));
  const before = await counted();
  for (let at = 0; at < 3; at++) collectGarbage();
  while ((await counted()) < before + 3) await new Promise((resolve) => setImmediate(resolve));
});

test('together, the processes of a cluster have the values that the table says', needs('prometheus'), async (t) => {
  const { workers } = await startCluster(t, withTempDir(t));
  const [first, second] = workers;
  for (const worker of workers) {
    await worker.run(({ prom }) => {
      prom.collectDefaultMetrics();
      prom.collectDefaultMetrics({ prefix: 'own_', perProcess: true });
    });
  }
  // the callbacks of a process run when it serves: each has to, once
  await scrape(first);
  const text = await scrape(second);
  const value = (name: string): number => Number(linesOf(text, name)[0].split(' ')[1]);
  const perProcess = (name: string): number[] => linesOf(text, `own_${name}`).map((line) => Number(line.split(' ')[1]));

  assert.deepEqual(
    linesOf(text, 'own_process_start_time_seconds').map((line) => /pid="(\d+)"/.exec(line)?.[1]),
    [first.pid, second.pid].map(String).toSorted(),
  );
  assert.equal(value('process_start_time_seconds'), Math.min(...perProcess('process_start_time_seconds')));
  assert.equal(value('process_max_fds'), Math.min(...perProcess('process_max_fds')));
  assert.equal(linesOf(text, 'nodejs_version_info')[0].split(' ')[1], '1');
  const [a, b] = perProcess('nodejs_heap_size_total_bytes');
  const sum = value('nodejs_heap_size_total_bytes');
  assert.ok(sum > Math.max(a, b), `${sum} is not the sum of ${a} and ${b}`);
  assert.equal(linesOf(text, 'own_process_cpu_seconds_total').length, 1);
  assert.deepEqual(
    checkMetrics(text).problems.filter((problem) => !/^(own_)?nodejs_active_\w+_total/.test(problem)),
    [],
  );
});

test("an immediate that is still to come does no harm when a test runner has taken the sandbox's globals away", async (t) => {
  const member = await startMember(t);
  const survived = await member.run(async ({ prom }) => {
    prom.collectDefaultMetrics();
    const { process, performance, Date } = globalThis;
    await prom.register.metrics();
    const scope = globalThis as Record<string, unknown>;
    scope.process = scope.performance = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    Object.assign(globalThis, { process, performance, Date });
    return true;
  });
  assert.ok(survived);
});

test('what watches the event loop for metrics that were cleared is ended by the next', (t) => {
  const watches: IntervalHistogram[] = [];
  const { monitorEventLoopDelay } = perfHooks;
  const watch = t.mock.method(perfHooks, 'monitorEventLoopDelay', (options?: EventLoopMonitorOptions) => {
    const histogram = monitorEventLoopDelay(options);
    watches.push(histogram);
    return histogram;
  });
  const registry = new Registry(undefined, { multiprocess: false });
  for (let round = 0; round < 3; round++) {
    registry.clear();
    collectDefaultMetrics({ register: registry });
  }
  assert.equal(watch.mock.callCount(), 3);
  // disable() tells whether it was enabled
  assert.deepEqual(
    watches.map((histogram) => histogram.disable()),
    [false, false, true],
  );
});

test('what the package loads when it is needed is named in full, so that a bundler takes it along', () => {
  const built = dirname(require.resolve('prom-multiproc'));
  for (const name of readdirSync(built, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.js')) continue;
    // neither a template nor a variable
    const computed = [...readFileSync(join(built, name), 'utf8').matchAll(/\b(?:require|import)\((?!["'])[^)]*\)/g)];
    assert.deepEqual(
      computed.map(([call]) => call),
      [],
      name,
    );
  }
});
