import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, type Member, scrape, startCluster, startMember } from '../support/cluster.js';
import { withTempDir } from '../support/temp-dir.js';

const RESTARTS = 12;

async function count(member: Member, label: 'slot' | 'pid'): Promise<void> {
  await member.run(({ prom }, kind) => {
    const worker = kind === 'slot' ? prom.workerLabel() : String(process.pid);
    prom.register.setDefaultLabels({ worker });
    new prom.Counter({ name: 'jobs_total', help: 'J.' }).inc();
    new prom.Histogram({ name: 'job_seconds', help: 'S.' }).observe(1);
  }, label);
}

test('after many restarts a label by workerLabel() has one series, and one by pid as many as restarts', async (t) => {
  for (const label of ['slot', 'pid'] as const) {
    const { primary } = await startCluster(t, withTempDir(t), 0);
    for (let restart = 0; restart < RESTARTS; restart++) {
      const worker = await primary.fork();
      await count(worker, label);
      if (restart < RESTARTS - 1) await worker.kill();
    }
    await primary.run(async ({ prom }) => void (await new prom.MultiprocessCollector().fold()));
    const text = await scrape(primary);
    const series = label === 'slot' ? 1 : RESTARTS;
    assert.equal(linesOf(text, 'jobs_total').length, series, label);
    assert.equal(linesOf(text, 'job_seconds').length, series * 14, label);
    if (label === 'slot') assert.deepEqual(linesOf(text, 'jobs_total'), [`jobs_total{worker="0"} ${RESTARTS}`]);
  }
});

test('living workers have different numbers, and the successor of one that died has its number', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 3);
  const labelOf = (member: Member): Promise<string> => member.look(({ prom }) => prom.workerLabel());
  assert.deepEqual((await Promise.all(workers.map(labelOf))).toSorted(), ['0', '1', '2']);
  const gone = await labelOf(workers[1]);
  await workers[1].kill();
  const successor = await primary.fork();
  assert.equal(await labelOf(successor), gone);
  assert.equal(await labelOf(await primary.fork()), '3');
  assert.equal(await labelOf(primary), 'primary');
  assert.equal(await labelOf(await startMember(t, { PROM_MULTIPROC_WORKER_SLOT: '7' })), 'primary');
  assert.equal(await labelOf(await startMember(t, { pm_id: '4', NODE_APP_INSTANCE: '1' })), '1');
});
