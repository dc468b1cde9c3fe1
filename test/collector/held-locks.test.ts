import assert from 'node:assert/strict';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { LockWatch } from '../../src/collector/held-locks.js';
import { joinDirectory, openDirectory } from '../../src/directory/open-directory.js';
import { native } from '../../src/metrics-file/mapping.js';
import { collectorOf } from '../support/collector.js';
import { DeadProcess } from '../support/dead-process.js';
import { needs } from '../support/needs.js';
import { startProgram, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const NAMED = { source: 'option', derived: false } as const;

test(
  'a lock that another program holds is in the scrape, and is logged after a minute',
  needs('namespaces'),
  async (t) => {
    if (native() === undefined) return;
    const dir = withTempDir(t);
    openDirectory({ ...NAMED, dir }).close();
    writeFileSync(join(dir, 'fold.lock'), '');
    new DeadProcess(dir).count('jobs_total', {}, 1).die();
    const collector = collectorOf(t, dir, { threads: false });
    const held = async (): Promise<Record<string, number>> => {
      const families = await collector.families();
      const { samples } = families.find(({ name }) => name === 'prom_multiproc_lock_held')!;
      return Object.fromEntries(samples.map(({ labels, value }) => [labels.lock, value]));
    };
    const strangers = ['dir.lock', 'fold.lock'].map((name) =>
      startProgram(t, 'flock', ['--no-fork', join(dir, name), 'sh', '-c', 'echo locked; exec sleep 600']),
    );
    for (const stranger of strangers) await stranger.printed(/locked/);
    assert.deepEqual(await held(), { dir: 1, fold: 1 });

    const warned = t.mock.method(console, 'warn', () => {});
    const watch = new LockWatch();
    const joined = joinDirectory({ ...NAMED, dir });
    for (const second of [0, 59]) watch.held(dir, joined, second * 1000);
    const texts = (): string => warned.mock.calls.map(({ arguments: [text] }) => String(text)).join('');
    assert.equal(texts(), '');
    watch.held(dir, joined, 61_000);
    for (const { child } of strangers) {
      assert.match(texts(), new RegExp(`locked by process ${child.pid} for more than`));
    }
    warned.mock.restore();

    const names = readdirSync(dir);
    for (const { child, ended } of strangers) {
      child.kill('SIGKILL');
      await ended();
    }
    await until(async () => JSON.stringify(await held()) === '{"dir":0,"fold":0}');
    assert.deepEqual(readdirSync(dir), names);
    assert.ok(existsSync(join(dir, 'dir.lock')));
  },
);

test('opening a directory whose lock another program holds takes only a moment', needs('namespaces'), async (t) => {
  if (native() === undefined) return;
  const dir = withTempDir(t);
  openDirectory({ ...NAMED, dir }).close();
  const stranger = startProgram(t, 'flock', [
    '--no-fork',
    join(dir, 'dir.lock'),
    'sh',
    '-c',
    'echo locked; exec sleep 600',
  ]);
  await stranger.printed(/locked/);
  const waits = t.mock.method(Atomics, 'wait');
  const opened = openDirectory({ ...NAMED, dir });
  const waitedMs = waits.mock.calls.reduce((sum, call) => sum + Number(call.arguments[3]), 0);
  assert.ok(waitedMs < 100, `${waitedMs} ms`);
  assert.deepEqual([opened.isLocked, opened.isLockedByOther], [false, true]);
  stranger.child.kill('SIGKILL');
  await stranger.ended();
  await until(() => {
    opened.lock({ makesFile: true });
    return opened.isLocked;
  });
  opened.close();
});
