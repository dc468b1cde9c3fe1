/** Directories that are shared with other users, other containers, and other applications. Needs root, which CI has. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { afterTest } from '../support/after-test.js';
import { BEHIND_MS } from '../support/cluster.js';
import { assertNoDuplicateSeries } from '../support/exposition-parser.js';
import { type Program, startCli, startProgram, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const SHARED = needs('other users', 'namespaces');
const SOMEBODY = 1000;
const COUNTING = join(__dirname, 'programs', 'counting.js');
const CLI = join(__dirname, '..', '..', 'src', 'cli', 'main.js');

/** Runs node as another user, without root's environment. */
function startAs(t: TestContext, uid: number, args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const ids = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups'];
  return startProgram(t, 'setpriv', [...ids, process.execPath, ...args], { HOME: '/', ...env });
}

async function countAs(
  t: TestContext,
  uid: number,
  dir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Program> {
  const worker = startAs(t, uid, [COUNTING, '5'], { PROMETHEUS_MULTIPROC_DIR: dir, ...env });
  await worker.printed(/counted/);
  if (BEHIND_MS > 0) await new Promise((resolve) => setTimeout(resolve, BEHIND_MS));
  return worker;
}

async function dumpAs(t: TestContext, uid: number, dir: string): Promise<{ output: string; code: number | string }> {
  const dump = startAs(t, uid, [CLI, 'dump', '--dir', dir, 'counts_total'], {});
  return { code: await dump.ended(), output: dump.output() };
}

test('a sidecar of another user reads files of root where their mode lets it', SHARED, async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o755);
  await countAs(t, 0, dir, { PROM_MULTIPROC_FILE_MODE: '0644' });
  const { code, output } = await dumpAs(t, SOMEBODY, dir);
  assert.equal(code, 0, output);
  assert.match(output, /^counts_total 5$/m);
});

test('a sidecar of root needs no options, and its archives belong to the user', SHARED, async (t) => {
  const dir = withTempDir(t);
  chownSync(dir, SOMEBODY, SOMEBODY);
  const worker = await countAs(t, SOMEBODY, dir);
  assert.match((await dumpAs(t, 0, dir)).output, /^counts_total 5$/m);
  worker.child.kill('SIGKILL');
  await worker.ended();
  const fold = startCli(t, ['fold', '--dir', dir]);
  assert.equal(await fold.ended(), 0, fold.output());
  const archive = readdirSync(dir).find((name) => name.startsWith('archive-'))!;
  assert.equal(statSync(join(dir, archive)).uid, SOMEBODY);
  await countAs(t, SOMEBODY, dir);
  assert.match((await dumpAs(t, SOMEBODY, dir)).output, /^counts_total 10$/m);
});

test('a reader without permission gets an error that tells what to do', SHARED, async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o700);
  await countAs(t, 0, dir);
  const { code, output } = await dumpAs(t, SOMEBODY, dir);
  assert.equal(code, 1);
  assert.match(output, /may not|permission/i);
  assert.ok(output.includes(dir), output);
});

test('files without permission are skipped, counted and logged', SHARED, async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o777);
  await countAs(t, 0, dir);
  await countAs(t, SOMEBODY, dir);
  const sidecar = startAs(t, SOMEBODY, [CLI, 'serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0'], {});
  const [, url] = await sidecar.printed(/on (http\S+)/);
  const text = await (await fetch(url)).text();
  assert.match(text, /^counts_total 5$/m);
  assert.match(text, /^prom_multiproc_files_skipped\{reason="permission"\} 1$/m);
  await sidecar.printed(/skipped/);
});

test('a volume that everybody may write to, such as an emptyDir, is used', SHARED, async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o777);
  const workers = await Promise.all([countAs(t, SOMEBODY, dir), countAs(t, SOMEBODY, dir)]);
  assert.match((await dumpAs(t, SOMEBODY, dir)).output, /^counts_total 10$/m);
  for (const worker of workers) {
    worker.child.kill('SIGKILL');
    await worker.ended();
  }
  const fold = startAs(t, SOMEBODY, [CLI, 'fold', '--dir', dir], {});
  assert.equal(await fold.ended(), 0, fold.output());
  assert.match((await dumpAs(t, SOMEBODY, dir)).output, /^counts_total 10$/m);
});

test('a read-only mount is read, and no write is tried there', SHARED, async (t) => {
  const dir = withTempDir(t);
  const mount = join(withTempDir(t), 'read-only');
  mkdirSync(mount);
  await countAs(t, 0, dir);
  execFileSync('mount', ['--bind', dir, mount]);
  afterTest(t, () => void execFileSync('umount', [mount]));
  execFileSync('mount', ['-o', 'remount,bind,ro', mount]);
  const before = readdirSync(dir).toSorted();
  const { code, output } = await dumpAs(t, 0, mount);
  assert.equal(code, 0, output);
  assert.match(output, /^counts_total 5$/m);
  assert.deepEqual(readdirSync(dir).toSorted(), before);
});

test('containers on one volume each have a file, though every pid is 1', SHARED, async (t) => {
  const dir = withTempDir(t);
  const env = { PROMETHEUS_MULTIPROC_DIR: dir };
  const isolated = ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, COUNTING];
  const containers = [3, 4].map((count) => startProgram(t, 'unshare', [...isolated, String(count)], env));
  for (const container of containers) await container.printed(/counted as 1$/m);
  const sidecar = startCli(t, ['serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0']);
  const [, url] = await sidecar.printed(/on (http\S+)/);
  const metrics = async (): Promise<string> => (await fetch(url)).text();
  const text = await until(async () => {
    const now = await metrics();
    return now.includes('counts_total 7') && now;
  });
  assertNoDuplicateSeries(text);
  assert.equal([...text.matchAll(/^per_process\{pid="1"\}/gm)].length, 1);
  assert.match(text, /^prom_multiproc_pid_conflicts [1-9]/m);
  // from outside their namespaces the lock decides; without it such a reader cannot know, and counts them as alive
  const state = BEHIND_MS > 0 ? 'unknown' : 'live';
  assert.match(text, new RegExp(`^prom_multiproc_processes\\{state="${state}"\\} 2$`, 'm'));
  containers[0].child.kill('SIGKILL');
  await containers[0].ended();
  if (BEHIND_MS === 0) {
    await until(async () => (await metrics()).includes('prom_multiproc_processes{state="dead"} 1'));
  }
  assert.match(await metrics(), /^counts_total 7$/m);
});

test('two applications that share a directory by mistake keep their counts', SHARED, async (t) => {
  const dir = withTempDir(t);
  const one = await countAs(t, 0, dir);
  const other = await countAs(t, 0, dir);
  assert.match((await dumpAs(t, 0, dir)).output, /^counts_total 10$/m);
  one.child.kill('SIGTERM');
  await one.ended();
  assert.match((await dumpAs(t, 0, dir)).output, /^counts_total 10$/m);
  assert.equal(other.child.exitCode, null);
});
