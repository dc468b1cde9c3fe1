/** Commands that look at a directory, and the status page: they change nothing in it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { archiveName } from '../../src/directory/file-name.js';
import { startCluster } from '../support/cluster.js';
import { DeadProcess } from '../support/dead-process.js';
import { ask } from '../support/http-request.js';
import { needs } from '../support/needs.js';
import { DIST, freePort, startCli } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const MAIN = join(DIST, 'src', 'cli', 'main.js');
const LOOKS = [['ps'], ['dump'], ['check'], ['top', '--count', '2', '--interval', '0.1']];

function cli(args: readonly string[], uid?: number): { status: number | null; output: string } {
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: undefined };
  const options = { encoding: 'utf8', env, ...(uid !== undefined && { uid, gid: uid, cwd: '/' }) } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], options);
  return { status, output: stdout + stderr };
}

/** All that is in a directory, and when it was last changed. */
function listing(dir: string): Record<string, string> {
  return Object.fromEntries(
    ['.', ...readdirSync(dir)].map((name) => {
      const { ino, size, mode, uid, mtimeMs, ctimeMs } = lstatSync(join(dir, name));
      return [name, [ino, size, mode, uid, mtimeMs, ctimeMs].join()];
    }),
  );
}

/** With files of 40 dead processes, and one that was left half made two hours ago. */
function fill(dir: string): void {
  for (let at = 0; at < 40; at++) new DeadProcess(dir, { mode: 0o644 }).count('jobs_total', {}, 1).die();
  const leftover = join(dir, '.4711-0-0123456789abcdef.prom-mp.tmp');
  writeFileSync(leftover, '');
  const twoHoursAgo = Date.now() / 1000 - 7200;
  utimesSync(leftover, twoHoursAgo, twoHoursAgo);
}

test('commands that look write nothing in a directory that is simply there', (t) => {
  const dir = withTempDir(t);
  fill(dir);
  const before = listing(dir);
  for (const look of LOOKS) {
    const { status, output } = cli([...look, '--dir', dir]);
    assert.equal(status, 0, output);
    assert.deepEqual(listing(dir), before, look[0]);
  }
});

test('commands that look write nothing in a directory in which processes count', async (t) => {
  const dir = withTempDir(t);
  const { workers } = await startCluster(t, dir, 1);
  await workers[0].run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'h' }).inc());
  fill(dir);
  const names = readdirSync(dir);
  for (const look of LOOKS) {
    assert.equal(cli([...look, '--dir', dir]).status, 0, look[0]);
    assert.deepEqual(readdirSync(dir), names, look[0]);
  }
});

test("commands that look read another user's and a read-only directory", needs('other users', 'namespaces'), (t) => {
  const dir = withTempDir(t);
  fill(dir);
  chmodSync(dir, 0o755);
  chownSync(dir, 1001, 1001);
  const before = listing(dir);
  for (const look of LOOKS) {
    const { status, output } = cli([...look, '--dir', dir], 1000);
    assert.equal(status, 0, output);
  }
  const script = `mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"`;
  for (const look of LOOKS) {
    const args = ['--mount', 'sh', '-c', script, dir, process.execPath, MAIN, ...look, '--dir', dir];
    const { status, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  }
  assert.deepEqual(listing(dir), before);
});

test('the status page writes nothing', async (t) => {
  const dir = withTempDir(t);
  fill(dir);
  const before = listing(dir);
  const port = await freePort();
  const server = startCli(t, ['serve', '--dir', dir, '--web.listen-address', `127.0.0.1:${port}`]);
  await server.printed(/serving/);
  for (let look = 0; look < 2; look++) {
    assert.equal((await ask(`http://127.0.0.1:${port}/status/data.json`)).status, 200);
  }
  assert.deepEqual(listing(dir), before);
});

test('looks that have read an archive do not restore it when it is deleted, and a scrape does', async (t) => {
  const dir = withTempDir(t);
  fill(dir);
  foldDirectory(dir);
  const archive = join(dir, archiveName(1));
  const port = await freePort();
  const serve = startCli(t, ['serve', '--dir', dir, '--web.listen-address', `127.0.0.1:${port}`]);
  await serve.printed(/serving/);
  const page = async (): Promise<number> => (await ask(`http://127.0.0.1:${port}/status/data.json`)).status;
  assert.equal(await page(), 200);
  const top = startCli(t, ['top', '--dir', dir, '--json', '--count', '3', '--interval', '1']);
  await top.printed(/"series":/);
  unlinkSync(archive);
  const deleted = listing(dir);
  assert.equal(await top.ended(), 0);
  assert.equal(await page(), 200);
  for (const look of LOOKS) assert.equal(cli([...look, '--dir', dir]).status, 0, look[0]);
  assert.deepEqual(listing(dir), deleted);
  await ask(`http://127.0.0.1:${port}/metrics`);
  assert.ok(existsSync(archive));
});

test('serve, dump and the others fail on a link that others could turn, and say why', needs('root'), async (t) => {
  const base = withTempDir(t);
  const open = join(base, 'open');
  const dir = withTempDir(t);
  fill(dir);
  spawnSync('mkdir', ['-m', '777', open]);
  symlinkSync(dir, join(open, 'link'));
  for (const command of [...LOOKS, ['fold'], ['serve']]) {
    const { status, output } = cli([...command, '--dir', join(open, 'link')]);
    assert.equal(status, 1, command[0]);
    assert.match(output, /is refused: ".*link" is a symbolic link that others could turn/);
  }
  chmodSync(open, 0o755);
  assert.match(cli(['dump', '--dir', join(open, 'link')]).output, /jobs_total 40/);
});
