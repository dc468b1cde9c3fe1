import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Counter, Gauge, Histogram, Info, Registry, StateSet, Summary } from 'prom-multiproc';
import { linesOf, type Member, scrape, startCluster } from '../support/cluster.js';
import type { Kit } from '../support/cluster-member.js';
import { valueOf } from '../support/exposition-parser.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const registry = new Registry(undefined, { multiprocess: false });
const shared = { help: 'H.', labelNames: ['tenant', 'route'], registers: [registry] } as const;
const SERIES = [{ tenant: 'a', route: '/' }, { tenant: 'a', route: '/b' }, { tenant: 'b', route: '/' }, { route: '/' }];

async function tenants(name: string): Promise<string[]> {
  const text = await registry.metrics();
  return linesOf(text, name).filter((line) => !/_bucket|_sum|quantile|="off"/.test(line));
}

test('removeMatching() removes series by some of their labels, in all instruments', async () => {
  const counter = new Counter({ ...shared, name: 'c_total' });
  const gauge = new Gauge({ ...shared, name: 'g' });
  const histogram = new Histogram({ ...shared, name: 'h' });
  const summary = new Summary({ ...shared, name: 's' });
  const info = new Info({ ...shared, name: 'i' });
  const states = new StateSet({ ...shared, name: 'x', states: ['on', 'off'] });
  for (const labels of SERIES) {
    counter.inc(labels);
    gauge.set(labels, 1);
    histogram.observe(labels, 1);
    summary.observe(labels, 1);
    info.set(labels, { version: '1' });
    states.state(labels, 'on');
  }
  const removed = [counter, gauge, histogram, summary, info].map((metric) => metric.removeMatching({ tenant: 'a' }));
  assert.deepEqual(removed, [2, 2, 2, 2, 2]);
  assert.equal(states.removeMatching({ tenant: 'a' }), 4);
  for (const name of ['c_total', 'g', 'h', 's', 'i_info', 'x']) {
    const lines = await tenants(name);
    assert.equal(lines.length, 2, name);
    assert.ok(
      lines.every((line) => !line.includes('tenant="a"')),
      name,
    );
  }
  counter.inc(SERIES[0], 5);
  assert.equal((await tenants('c_total')).filter((line) => line.endsWith(' 5')).length, 1);
  assert.equal(counter.removeMatching({ tenant: '' }), 1);
  assert.equal(counter.removeMatching({ tenant: 'none' }), 0);
  assert.throws(() => counter.removeMatching({}), { code: 'ERR_INVALID_ARGUMENT' });
  assert.throws(() => counter.removeMatching({ colour: 'red' } as never), /Added label "colour" is not included/);
  registry.clear();
});

test('expireAfterSeconds removes idle series, and none that is written to', async () => {
  const counter = new Counter({ ...shared, name: 'c_total', expireAfterSeconds: 0.05 });
  const gauge = new Gauge({ ...shared, name: 'g', expireAfterSeconds: 0.05 });
  new Counter({ help: 'H.', name: 'plain_total', registers: [registry], expireAfterSeconds: 0.05 });
  for (const labels of SERIES) {
    counter.inc(labels);
    gauge.set(labels, 1);
  }
  const busy = setInterval(() => {
    counter.inc(SERIES[0]);
    gauge.set(SERIES[0], 1);
  }, 5);
  await until(async () => (await tenants('c_total')).length === 1 && (await tenants('g')).length === 1);
  await delay(100);
  assert.match((await tenants('c_total'))[0], /^c_total\{tenant="a",route="\/"\}/);
  assert.deepEqual(await tenants('g'), ['g{tenant="a",route="/"} 1']);
  assert.deepEqual(await tenants('plain_total'), ['plain_total 0']);
  clearInterval(busy);
  assert.throws(() => new Counter({ ...shared, name: 'd', expireAfterSeconds: 0 }), { code: 'ERR_INVALID_ARGUMENT' });
  registry.clear();
});

test('merged output does not show a series that all workers have removed', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom, kept }) => {
      kept.gauge = new prom.Gauge({ name: 'streams', help: 'S.', labelNames: ['tenant', 'kind'] });
      for (const tenant of ['a', 'b']) for (const kind of ['x', 'y']) kept.gauge.set({ tenant, kind }, 1);
    });
  }
  for (const worker of workers) await worker.run(({ kept }) => void kept.gauge.removeMatching({ tenant: 'a' }));
  assert.deepEqual(linesOf(await scrape(primary), 'streams'), [
    'streams{tenant="b",kind="x"} 2',
    'streams{tenant="b",kind="y"} 2',
  ]);
});

/** Lets the metrics notice what is idle: they compare their values at each read. */
async function readUntilIdle({ prom }: Kit): Promise<void> {
  for (const end = Date.now() + 700; Date.now() < end;) {
    await prom.register.metrics({ scope: 'process' });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // on a busy machine the first read may be the only one before the end
  await prom.register.metrics({ scope: 'process' });
}

test('a counter that is idle in one process and not in another does not fall, and is hidden when it is idle in all', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom, kept }) => {
      const expiring = { help: 'H.', labelNames: ['tenant'], expireAfterSeconds: 0.3 };
      kept.jobs = new prom.Counter({ ...expiring, name: 'jobs_total' });
      kept.wait = new prom.Histogram({ ...expiring, name: 'wait', buckets: [1], enableExemplars: true });
      kept.size = new prom.Summary({ ...expiring, name: 'size', percentiles: [0.5] });
      kept.count = (tenant: string, by: number) => {
        kept.jobs.inc({ tenant }, by);
        kept.wait.observe({ tenant }, by);
        kept.size.observe({ tenant }, by);
      };
      kept.count('a', 60);
      kept.keepBusy = setInterval(() => kept.count('busy', 1), 10);
    });
  }
  const [idle, active] = workers;
  const sums = async () => {
    const text = await scrape(primary);
    const labels = { tenant: 'a' };
    return ['jobs_total', 'wait_count', 'wait_sum', 'size_sum'].map((name) => valueOf(text, name, labels));
  };
  assert.deepEqual(await sums(), [120, 2, 120, 120]);
  const read = (member: Member): Promise<unknown> => member.run(readUntilIdle);
  await active.run(({ kept }) => void (kept.active = setInterval(() => kept.count('a', 0), 20)));
  await Promise.all([read(idle), read(active)]);
  const local = await idle.run(({ prom }) => prom.register.metrics({ scope: 'process' }));
  assert.equal(valueOf(local, 'jobs_total', { tenant: 'a' }), undefined, 'the idle process does not show it');
  assert.ok(valueOf(local, 'jobs_total', { tenant: 'busy' })! > 0);
  const [jobs, ...rest] = await sums();
  // a counter does not notice an increment by 0, but the histogram does
  assert.deepEqual([jobs, rest[1], rest[2]], [undefined, 120, 120]);
  assert.ok(rest[0]! > 2);

  await active.run(({ kept }) => clearInterval(kept.active));
  await read(active);
  assert.deepEqual(await sums(), [undefined, undefined, undefined, undefined]);

  // any of them shows the sum of all again
  await idle.run(({ kept }) => kept.count('a', 1));
  await idle.run(({ prom }) => prom.register.metrics({ scope: 'process' }));
  const [jobsAgain, , sum] = await sums();
  assert.deepEqual([jobsAgain, sum], [121, 121]);
  const all = await sums();
  for (const worker of workers) await worker.kill('SIGKILL');
  await primary.run(async ({ prom }) => void (await new prom.MultiprocessCollector().fold()));
  assert.deepEqual(await sums(), all, 'and nothing is lost when they are folded');
});
