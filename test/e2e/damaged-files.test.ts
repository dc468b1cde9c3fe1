import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { totalsOf } from '../../src/collector/report.js';
import { dataFileName, temporaryName } from '../../src/directory/file-name.js';
import { HEADER } from '../../src/metrics-file/layout.js';
import { changeIdentity, dataFiles } from '../support/cluster-files.js';
import { BEHIND_MS, type Member, scrape, startCluster } from '../support/cluster.js';
import { valueOf } from '../support/exposition-parser.js';
import { overwrite } from '../support/overwrite.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

async function countOne(member: Member): Promise<void> {
  await member.run(({ prom }) => {
    new prom.Counter({ name: 'jobs_total', help: 'Jobs' }).inc();
    const detail = new prom.Counter({ name: 'parts_total', help: 'Parts', labelNames: ['part'] });
    for (let part = 0; part < 500; part++) detail.inc({ part });
  });
}

/** Damage to one file, and the reason under which the skipped file is counted. */
const DAMAGES: Record<string, { reason: string; said: RegExp; damage(path: string): void }> = {
  'is empty': {
    reason: 'not_a_metrics_file',
    said: /the file is empty/,
    damage: (path) => writeFileSync(path, ''),
  },
  'is another program’s': {
    reason: 'not_a_metrics_file',
    said: /another magic number/,
    damage: (path) => writeFileSync(path, 'jobs_total 5\n'.repeat(1000)),
  },
  'ends in the header': { reason: 'corrupt', said: /cut off/, damage: (path) => truncateSync(path, 100) },
  'ends behind the header': {
    reason: 'corrupt',
    said: /at byte \d+/,
    damage: (path) => truncateSync(path, HEADER.bytes),
  },
  'lacks its last half': {
    reason: 'corrupt',
    said: /at byte \d+/,
    damage: (path) => truncateSync(path, Math.floor(statSync(path).size / 2)),
  },
  'is garbled behind the header': {
    reason: 'corrupt',
    said: /at byte \d+/,
    damage: (path) => overwrite(path, HEADER.bytes, Buffer.alloc(16_384, 0xa5)),
  },
  'is of a format to come': {
    reason: 'version',
    said: /got format version 9, expected 1/,
    damage: (path) => overwrite(path, HEADER.versionMajor, new Uint16Array([9])),
  },
  'is a symbolic link': {
    reason: 'not_a_metrics_file',
    said: /symbolic link/,
    damage(path) {
      rmSync(path);
      symlinkSync('/etc/passwd', path);
    },
  },
  'is a directory': {
    reason: 'not_a_metrics_file',
    said: /not a regular file/,
    damage(path) {
      rmSync(path);
      mkdirSync(path);
    },
  },
};

test('a damaged file is skipped, counted by its reason and logged once; the others are read', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const { primary, workers } = await startCluster(t, dir, 1);
  await countOne(workers[0]);
  const victim = await primary.fork();
  await countOne(victim);
  await victim.kill('SIGKILL');
  const [path] = dataFiles(dir, victim.pid);
  const whole = readFileSync(path);
  assert.equal(valueOf(await scrape(primary), 'jobs_total'), 2);
  const skipped: Record<string, number> = {};
  for (const [name, { reason, said, damage }] of Object.entries(DAMAGES)) {
    // a separate file, which the collector has not read before
    rmSync(path, { force: true });
    writeFileSync(path, whole);
    const file = changeIdentity(dir, path, { id: idOf(Object.keys(DAMAGES).indexOf(name)) });
    damage(file);
    skipped[reason] = (skipped[reason] ?? 0) + 1;
    const text = await scrape(primary);
    assert.equal(valueOf(text, 'jobs_total'), 1, name);
    assert.equal(valueOf(text, 'parts_total', { part: '499' }), 1, name);
    for (const [why, count] of Object.entries(skipped)) {
      assert.equal(valueOf(text, 'prom_multiproc_files_skipped', { reason: why }), count, `${name}: ${why}`);
    }
    await scrape(primary);
    const lines = primary.output.split('\n').filter((line) => line.includes(file));
    assert.equal(lines.length, 1, `${name}: ${lines.join()}`);
    assert.match(lines[0], said);
  }
});

function idOf(number: number): string {
  return number.toString(16).padStart(16, '0');
}

test("damage to a dead process's file has no effect where it was read before, because its final values are known", async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir);
  for (const worker of workers) await countOne(worker);
  await workers[0].kill('SIGKILL');
  const [path] = dataFiles(dir, workers[0].pid);
  const whole = readFileSync(path);
  const totals = [];
  for (const bytes of [whole, whole.subarray(0, 5000), whole]) {
    writeFileSync(path, bytes);
    totals.push(valueOf(await scrape(primary), 'jobs_total'));
  }
  // a process without a lock may turn out to be alive, and its file is read again
  assert.deepEqual(totals, BEHIND_MS > 0 ? [2, 1, 2] : [2, 2, 2]);
});

test('a copy of a file under another name is not counted', async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const { primary, workers } = await startCluster(t, dir, 1);
  await countOne(workers[0]);
  const [path] = dataFiles(dir, workers[0].pid);
  copyFileSync(path, join(dir, dataFileName({ pid: workers[0].pid, threadId: 0, id: idOf(1) })));
  copyFileSync(path, join(dir, 'backup.prom-mp'));
  const text = await scrape(primary);
  assert.equal(valueOf(text, 'jobs_total'), 1);
  assert.equal(valueOf(text, 'prom_multiproc_files_skipped', { reason: 'not_a_metrics_file' }), 1);
  assert.match(primary.output, /under another name/);
});

test('a file that this user may not read is skipped and counted', needs('other users'), async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir);
  for (const worker of workers) await countOne(worker);
  for (const worker of workers) await worker.kill('SIGKILL');
  chmodSync(dir, 0o755);
  chmodSync(dataFiles(dir, workers[0].pid)[0], 0o000);
  chmodSync(dataFiles(dir, workers[1].pid)[0], 0o644);
  const script = `
    if (process.getuid() === 0) { process.setgid(65534); process.setuid(65534); }
    const { MultiprocessCollector } = require(${JSON.stringify(join(__dirname, '../../src/root.js'))});
    new MultiprocessCollector({ dir: ${JSON.stringify(dir)} }).metrics().then(({ body }) => process.stdout.write(body));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  assert.match(stderr, /may not be read by this user/);
  assert.equal(valueOf(stdout, 'jobs_total'), 1);
  assert.equal(valueOf(stdout, 'prom_multiproc_files_skipped', { reason: 'permission' }), 1);
});

test('files that disappear between the listing and their reading are listed again', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 3);
  for (const worker of workers) await countOne(worker);
  for (const worker of workers) await worker.kill('SIGKILL');
  const options = { dir, deadRetentionSeconds: 60, maxOpenFiles: 10 };
  const collection = new DirectoryCollection(options);
  const steps = collection.collect();
  steps.next(); // the first file has been read
  for (const worker of workers.slice(1)) for (const path of dataFiles(dir, worker.pid)) rmSync(path);
  while (steps.next().done !== true);
  const { skipped } = collection;
  const { dead } = totalsOf(collection.files);
  collection.close();
  assert.deepEqual(Object.values(skipped), Object.values(skipped).fill(0));
  assert.ok(dead.files >= 1);
});

test('the leftover of a process that was killed while it created its file is removed after an hour', async (t) => {
  const dir = withTempDir(t);
  const { primary, workers } = await startCluster(t, dir, 1);
  await countOne(workers[0]);
  const [old, fresh] = [7, 8].map((number) =>
    join(dir, temporaryName(dataFileName({ pid: 4242, threadId: 0, id: idOf(number) }))),
  );
  for (const path of [old, fresh]) writeFileSync(path, 'half a file');
  utimesSync(old, Date.now() / 1000 - 3700, Date.now() / 1000 - 3700);
  await scrape(primary);
  // by the fold that the scrape has started
  await until(() => !existsSync(old));
  assert.ok(existsSync(fresh));
});
