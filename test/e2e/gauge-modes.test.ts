/** Every gauge mode with living and dead processes: client_python's semantics, and those of prom-client's aggregators. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'node:test';
import { MULTIPROCESS_MODES } from '../../src/model/gauge-mode.js';
import { linesOf, type Member, scrape, startCluster, startMember, written } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { DIST } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

/**
 * The merged values of three processes that set 5, then 3, then 8, by labels: with all alive, and when the last is dead.
 */
interface Expected {
  readonly alive: Readonly<Record<string, number>>;
  readonly dead: Readonly<Record<string, number>>;
}

/** `p0` stands for the pid label of the first process. */
const EXPECTED: Readonly<Record<string, Expected>> = {
  all: { alive: { p0: 5, p1: 3, p2: 8 }, dead: { p0: 5, p1: 3, p2: 8 } },
  liveall: { alive: { p0: 5, p1: 3, p2: 8 }, dead: { p0: 5, p1: 3 } },
  sum: { alive: { '': 16 }, dead: { '': 16 } },
  livesum: { alive: { '': 16 }, dead: { '': 8 } },
  max: { alive: { '': 8 }, dead: { '': 8 } },
  livemax: { alive: { '': 8 }, dead: { '': 5 } },
  min: { alive: { '': 3 }, dead: { '': 3 } },
  livemin: { alive: { '': 3 }, dead: { '': 3 } },
  mostrecent: { alive: { '': 8 }, dead: { '': 8 } },
  livemostrecent: { alive: { '': 8 }, dead: { '': 3 } },
};

const AGGREGATORS: Readonly<Record<string, Expected>> = {
  sum: EXPECTED.livesum,
  max: EXPECTED.livemax,
  min: EXPECTED.livemin,
  average: { alive: { '': 16 / 3 }, dead: { '': 4 } },
  first: { alive: { '': 5 }, dead: { '': 5 } },
  omit: { alive: {}, dead: {} },
};

const VALUES = [5, 3, 8];

async function setAll(worker: Member, value: number): Promise<void> {
  await worker.run(
    ({ prom }, modes, aggregators, number) => {
      for (const multiprocessMode of modes) {
        const labelNames = ['shard'];
        new prom.Gauge({ name: `mode_${multiprocessMode}`, help: 'x', multiprocessMode }).set(number);
        const labelled = new prom.Gauge({
          name: `labelled_${multiprocessMode}`,
          help: 'x',
          multiprocessMode,
          labelNames,
        });
        labelled.set({ shard: 'a' }, number);
        new prom.Gauge({ name: `unset_${multiprocessMode}`, help: 'x', multiprocessMode });
      }
      for (const aggregator of aggregators) {
        new prom.Gauge({ name: `aggregator_${aggregator}`, help: 'x', aggregator: aggregator as 'sum' }).set(number);
      }
    },
    MULTIPROCESS_MODES,
    Object.keys(AGGREGATORS),
    value,
  );
  await delay(5); // for the clock of mostrecent
}

test('every mode shows living processes, and the values of dead ones that it keeps', async (t) => {
  const { primary } = await startCluster(t, withTempDir(t), 0);
  const workers: Member[] = [];
  for (const value of VALUES) {
    // one after the other, because `first` is the one that started first
    const worker = await primary.fork();
    workers.push(worker);
    await setAll(worker, value);
  }
  for (const when of ['alive', 'dead'] as const) {
    const text = await scrape(primary);
    const pids = workers.map(({ pid }) => String(pid));
    const shown = (name: string, shard?: string): Record<string, number> => {
      const samples = parseExposition(text).samples.filter((sample) => sample.name === name);
      return Object.fromEntries(
        samples.map(({ labels, value }) => {
          assert.equal(labels.shard, shard);
          return [labels.pid === undefined ? '' : `p${pids.indexOf(labels.pid)}`, value];
        }),
      );
    };
    for (const mode of MULTIPROCESS_MODES) {
      assert.deepEqual(shown(`mode_${mode}`), EXPECTED[mode][when], `${mode}, ${when}`);
      assert.deepEqual(shown(`labelled_${mode}`, 'a'), EXPECTED[mode][when], `${mode} with a label, ${when}`);
    }
    for (const [aggregator, expected] of Object.entries(AGGREGATORS)) {
      assert.deepEqual(shown(`aggregator_${aggregator}`), expected[when], `aggregator ${aggregator}, ${when}`);
    }
    if (when === 'alive') await workers[2].kill('SIGKILL');
  }
});

test('a new process after all others have died starts the live modes from zero', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  await setAll(workers[0], 5);
  await setAll(workers[1], 3);
  for (const worker of workers) await worker.kill('SIGKILL');
  await setAll(await primary.fork(), 1);
  const text = await scrape(primary);
  const value = (name: string) => parseExposition(text).samples.find((sample) => sample.name === name)?.value;
  assert.deepEqual(
    ['sum', 'livesum', 'max', 'livemax', 'min', 'livemin', 'mostrecent', 'livemostrecent'].map((mode) =>
      value(`mode_${mode}`),
    ),
    [9, 1, 5, 1, 1, 1, 1, 1],
  );
});

test('a gauge that some processes never set does not pull the others to 0', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  await workers[0].run(({ prom }, modes) => {
    for (const mode of modes) new prom.Gauge({ name: mode, help: 'x', multiprocessMode: mode });
    new prom.Gauge({ name: 'average', help: 'x', aggregator: 'average' });
    new prom.Gauge({ name: 'first', help: 'x', aggregator: 'first' });
  }, MULTIPROCESS_MODES);
  await workers[1].run(({ prom }, modes) => {
    for (const mode of modes) new prom.Gauge({ name: mode, help: 'x', multiprocessMode: mode }).set(-4);
    new prom.Gauge({ name: 'average', help: 'x', aggregator: 'average' }).set(-4);
    new prom.Gauge({ name: 'first', help: 'x', aggregator: 'first' }).set(-4);
  }, MULTIPROCESS_MODES);
  const text = await scrape(primary);
  for (const name of [...MULTIPROCESS_MODES, 'average', 'first']) {
    const samples = parseExposition(text).samples.filter((sample) => sample.name === name);
    assert.deepEqual(
      samples.map(({ value }) => value),
      [-4],
      name,
    );
  }
});

test('a NaN is neither the maximum nor the minimum while there is a number', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const [at, value] of [NaN, 2].entries()) {
    await workers[at].run(({ prom }, number) => {
      for (const mode of ['max', 'livemax', 'min', 'livemin'] as const) {
        new prom.Gauge({ name: mode, help: 'x', multiprocessMode: mode }).set(number);
        new prom.Gauge({ name: `only_nan_${mode}`, help: 'x', multiprocessMode: mode }).set(NaN);
      }
    }, value);
  }
  const text = await scrape(primary);
  for (const mode of ['max', 'livemax', 'min', 'livemin']) {
    assert.deepEqual(linesOf(text, mode), [`${mode} 2`]);
    assert.deepEqual(linesOf(text, `only_nan_${mode}`), [`only_nan_${mode} NaN`]);
  }
});

test("a user's label pid is kept where the mode adds none, and refused where it adds one", async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  const own = MULTIPROCESS_MODES.filter((mode) => !['all', 'liveall'].includes(mode));
  for (const worker of workers) {
    await worker.run(({ prom }, modes) => {
      for (const mode of modes) {
        new prom.Gauge({ name: mode, help: 'x', multiprocessMode: mode, labelNames: ['pid'] }).set(
          { pid: 'printer' },
          2,
        );
      }
      new prom.Counter({ name: 'pages_total', help: 'x', labelNames: ['pid'] }).inc({ pid: 'printer' });
    }, own);
  }
  const text = await scrape(primary);
  for (const mode of own) {
    assert.deepEqual(linesOf(text, mode), [`${mode}{pid="printer"} ${mode.endsWith('sum') ? 4 : 2}`]);
  }
  assert.deepEqual(linesOf(text, 'pages_total'), ['pages_total{pid="printer"} 2']);
  for (const mode of ['all', 'liveall']) {
    await assert.rejects(
      workers[0].run(({ prom }, multiprocessMode) => {
        new prom.Gauge({ name: 'printer', help: 'x', multiprocessMode, labelNames: ['pid'] });
      }, mode as 'all'),
      /adds the label "pid"/,
    );
  }
});

test('inc, dec, removal and setToCurrentTime work in merged gauges', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t));
  for (const worker of workers) {
    await worker.run(({ prom, kept }) => {
      kept.gauge = new prom.Gauge({ name: 'inflight', help: 'x', labelNames: ['queue'] });
      kept.gauge.inc({ queue: 'a' }, 3);
      kept.gauge.dec({ queue: 'a' });
      kept.gauge.inc({ queue: 'b' });
      kept.time = new prom.Gauge({ name: 'last_success', help: 'x', multiprocessMode: 'mostrecent' });
      kept.time.setToCurrentTime();
    });
  }
  assert.deepEqual(linesOf(await scrape(primary), 'inflight'), ['inflight{queue="a"} 4', 'inflight{queue="b"} 2']);
  await workers[0].run(({ kept }) => kept.gauge.remove({ queue: 'b' }));
  assert.deepEqual(linesOf(await scrape(primary), 'inflight'), ['inflight{queue="a"} 4', 'inflight{queue="b"} 1']);
  await workers[1].run(({ kept }) => kept.gauge.remove('b'));
  assert.deepEqual(linesOf(await scrape(primary), 'inflight'), ['inflight{queue="a"} 4']);
  const [line] = linesOf(await scrape(primary), 'last_success');
  assert.ok(Math.abs(Number(line.split(' ')[1]) - Date.now() / 1000) < 600);
});

test('values of dead processes are kept for deadRetentionSeconds', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  for (const worker of workers) await setAll(worker, 5);
  await workers[1].kill('SIGKILL');
  await written();
  const shown = await primary.look(async ({ prom }) => {
    const counts = [];
    for (const deadRetentionSeconds of [1e-6, 3600, Infinity]) {
      const collector = new prom.MultiprocessCollector({ deadRetentionSeconds });
      const families = await collector.families();
      counts.push(families.find(({ name }) => name === 'mode_all')!.samples.length);
      await collector.close();
    }
    return counts;
  });
  assert.deepEqual(shown, [1, 2, 2]);
  assert.equal(readdirSync(dir).filter((name) => name.endsWith('.prom-mp')).length, 2);
});

test('a thread is shown as a separate process where a gauge shows each', async (t) => {
  const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: withTempDir(t) });
  const setHeap = (one: Member, value: number): Promise<unknown> =>
    one.run(
      ({ prom }, heap) => new prom.Gauge({ name: 'heap', help: 'x', multiprocessMode: 'liveall' }).set(heap),
      value,
    );
  // once a process counts in a file, it creates the files of its threads as they start
  await setHeap(member, 0);
  const threads = [await member.thread(), await member.thread()];
  for (const [at, thread] of threads.entries()) await setHeap(thread, at + 1);
  const labels = [`${member.pid}`, `${member.pid}-1`, `${member.pid}-2`];
  assert.deepEqual(
    linesOf(await scrape(member), 'heap'),
    labels.map((label, at) => `heap{pid="${label}"} ${at}`),
  );
  await threads[0].terminate();
  assert.deepEqual(linesOf(await scrape(member), 'heap'), [`heap{pid="${labels[0]}"} 0`, `heap{pid="${labels[2]}"} 2`]);
});

test('a gauge that is set while the clock shows 1970 has its value in every mode', (t) => {
  const program = `
    Date.now = () => 0;
    const { Gauge, register } = require('.');
    const modes = ['all', 'liveall', 'min', 'max', 'sum', 'livesum', 'mostrecent', 'livemostrecent'];
    for (const multiprocessMode of modes) new Gauge({ name: multiprocessMode, help: 'h', multiprocessMode }).set(5);
    register.metrics().then((text) => console.log(text.match(/^(?!#|prom_).+ .*$/gm).filter((line) => line.endsWith(' 5')).length));`;
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: withTempDir(t) };
  const output = execFileSync(process.execPath, ['-e', program], { cwd: join(DIST, '..'), env, encoding: 'utf8' });
  assert.equal(output, '8\n');
});
