import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { FileReader } from '../../src/metrics-file/reader.js';
import { SeriesStore } from '../../src/storage/series-store.js';
import { VitalsMeter } from '../../src/storage/vitals-meter.js';
import { type Member, scrape, startCluster } from '../support/cluster.js';
import { withTempDir } from '../support/temp-dir.js';
import { fileKinds, createFile } from '../support/written-file.js';

test('a process measures its CPU time, its memory, and how long its event loop could not turn', async () => {
  const meter = new VitalsMeter(new SeriesStore());
  assert.equal(meter.measure().cpuShare, undefined, 'there is no time yet to measure');
  const [before, startedAt] = [process.cpuUsage(), performance.now()];
  await delay(250);
  const until = performance.now() + 1500;
  while (performance.now() < until);
  await delay(400);
  const { user, system } = process.cpuUsage(before);
  const expected = (user + system) / 1000 / (performance.now() - startedAt);
  const { cpuShare, loopLagSeconds, loopShare, residentBytes, gcShare, seriesShare } = meter.measure();
  // on a busy machine it gets a part of a core
  assert.ok(Math.abs(cpuShare! - expected) < 0.05 + 0.2 * expected, `CPU share ${cpuShare} where it was ${expected}`);
  assert.ok(loopLagSeconds! > 1.2 && loopLagSeconds! < 30, `lag ${loopLagSeconds}`);
  assert.ok(loopShare! > 0.4 && loopShare! <= 1, `loop ${loopShare}`);
  assert.ok(residentBytes! > 10e6 && gcShare! >= 0);
  assert.equal(seriesShare, 0);
});

test('readers find the vitals of the last heartbeat, and leave out what was not measured', async (t) => {
  for (const kind of fileKinds()) {
    const { path, writer } = createFile(withTempDir(t), { kind });
    writer.beat({ cpuShare: 0.25, residentBytes: 1e9, loopLagSeconds: NaN, restarts: 0, gcShare: -1 });
    writer.flush();
    const reader = new FileReader(path);
    assert.ok(reader.readLog({ restart() {}, series() {}, other() {} }));
    assert.deepEqual(reader.vitals, { cpuShare: 0.25, residentBytes: 1e9, restarts: 0 });
    reader.close();
  }
});

test('a worker knows how many had its slot before, and nothing of its vitals is in the metrics', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 2);
  const count = (member: Member): Promise<unknown> =>
    member.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'J.' }).inc());
  for (const worker of workers) await count(worker);
  await workers[0].kill();
  const successor = await primary.fork();
  await count(successor);
  const thread = await successor.thread();
  await count(thread);
  const found = await primary.look(({ prom }) => new prom.MultiprocessCollector().processes());
  const slotsOf = new Map(
    found
      .filter(({ thread: number, state }) => number === 0 && state === 'live')
      .map(({ pid, vitals }) => [pid, [vitals?.slot, vitals?.restarts]]),
  );
  assert.deepEqual(
    [slotsOf.get(workers[1].pid), slotsOf.get(successor.pid)],
    [
      [1, 0],
      [0, 1],
    ],
  );
  const ofThread = found.find(({ thread: number }) => number > 0)!.vitals!;
  assert.equal(ofThread.residentBytes, undefined, 'the memory is that of the process');
  const lines = (await scrape(primary)).split('\n').filter((line) => /^(?!prom_multiproc_)\w/.test(line));
  assert.deepEqual(lines, ['jobs_total 4']);
});
