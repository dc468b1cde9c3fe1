/** The lines of a scrape for a process that has just started: measured values, or no line, but no false 0. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Kit } from '../support/cluster-member.js';
import { assertSound, linesOf, type Member, scrape, startCluster, startMember } from '../support/cluster.js';
import { withTempDir } from '../support/temp-dir.js';

/** Gauges without labels that only callbacks fill. */
const FILLED = [
  ...['lowest', 'process_start_time_seconds', 'process_resident_memory_bytes', 'process_open_fds', 'process_max_fds'],
  ...['nodejs_heap_size_total_bytes', 'nodejs_eventloop_lag_min_seconds', 'nodejs_active_handles_total'],
];

function makeMetrics({ prom }: Kit): void {
  prom.collectDefaultMetrics();
  new prom.Gauge({
    name: 'lowest',
    help: 'L.',
    multiprocessMode: 'livemin',
    collect() {
      this.set(5);
    },
  });
}

/** Lets the callbacks of metrics that the last task has created run. */
function turnLoop(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => setImmediate(resolve));
  });
}

function falseZeros(text: string): string[] {
  return FILLED.flatMap((name) => linesOf(text, name)).filter((line) => line.endsWith(' 0'));
}

async function assertMeasured(member: Member): Promise<void> {
  const text = await scrape(member);
  assert.deepEqual(falseZeros(text), []);
  assert.deepEqual(linesOf(text, 'lowest'), ['lowest 5']);
  assert.match(text, /^process_start_time_seconds 1\d{9}$/m);
  assert.match(text, /^process_max_fds \d+$/m);
  assert.match(text, /^process_resident_memory_bytes \d{7,}$/m);
}

test('callbacks of a new worker run in the next turn of its event loop, and not 5 s later', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) await worker.run(makeMetrics);
  for (const worker of workers) await worker.run(turnLoop);
  await assertMeasured(primary);
});

test('while the event loop of a new worker is blocked, its gauges have no line', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  await workers[0].run(makeMetrics);
  await workers[0].run(turnLoop);
  const text = await workers[1].run((kit, make) => {
    const { execFileSync } = kit.require('node:child_process') as typeof import('node:child_process');
    const { runInThisContext } = kit.require('node:vm') as typeof import('node:vm');
    (runInThisContext(`(${make})`) as (given: Kit) => void)(kit);
    const script = `require('prom-multiproc').register.metrics().then((text) => process.stdout.write(text))`;
    return execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  }, makeMetrics.toString());
  assertSound(text);
  assert.deepEqual(falseZeros(text), []);
  assert.deepEqual(linesOf(text, 'lowest'), ['lowest 5'], 'the worker that waits does not take part');
  await workers[1].run(turnLoop);
  await assertMeasured(primary);
});

test('a process that gets its directory later runs its callbacks at that time', async (t) => {
  const dir = withTempDir(t);
  const primary = await startMember(t);
  await primary.run(makeMetrics);
  await primary.run(({ prom }, to) => void prom.setupPrimary({ dir: to }), dir);
  await primary.run(turnLoop);
  await assertMeasured(await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir }));
});

test('a callback that fails in the first turn is not reported; one that fails later is', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 1);
  const [worker] = workers;
  await worker.run(({ prom, kept }) => {
    new prom.Gauge({
      name: 'pool_connections',
      help: 'P.',
      collect() {
        this.set(kept.pool.size);
      },
    });
  });
  await worker.run(turnLoop);
  assert.deepEqual(linesOf(await scrape(primary), 'pool_connections'), []);
  assert.doesNotMatch(worker.output, /pool_connections/);
  await scrape(worker);
  assert.match(worker.output, /collect\(\) of the metric pool_connections failed/);
  await worker.run(({ kept }) => {
    kept.pool = { size: 3 };
  });
  assert.deepEqual(linesOf(await scrape(worker), 'pool_connections'), ['pool_connections 3']);
});
