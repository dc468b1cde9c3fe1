import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { chooseOwn } from '../../src/directory/choose.js';
import type { ChosenDirectory } from '../../src/directory/choose.js';
import { afterTest } from '../support/after-test.js';
import { forkProgram } from '../support/forked-program.js';
import type { ProcessWhereabouts, Whereabouts } from './programs/whereabouts.js';
import { needs } from '../support/needs.js';

const DERIVED = /^(\/dev\/shm|\/tmp)\/prom-multiproc-0-(process-)?[0-9a-f]{16}$/;

/** The relevant part of the environment that PM2 7 gives an app in fork mode. */
const PM2 = {
  pm_id: '0',
  name: 'shop',
  namespace: 'default',
  pm_exec_path: '/srv/shop/app.js',
  PM2_HOME: '/root/.pm2',
};

/** The environment of the tests themselves must not matter: they may run under PM2 or with a directory. */
function environment(variables: Record<string, string> = {}): NodeJS.ProcessEnv {
  return { PATH: process.env.PATH, HOME: process.env.HOME, ...variables };
}

async function whereabouts(t: TestContext, args: string[], variables?: Record<string, string>): Promise<Whereabouts> {
  return forkProgram(t, 'directory/programs/whereabouts', args, { env: environment(variables) }).nextMessage();
}

function assertAllIn(dir: string, process: ProcessWhereabouts): void {
  const { main, thread, bareThread, joined, asPrimary } = process;
  for (const [who, located] of Object.entries({ main, thread, bareThread, joined, asPrimary })) {
    assert.equal(located?.dir, dir, who);
  }
}

test('a single process counts in memory, its threads in a directory that it knows', needs('root'), async (t) => {
  const found = await whereabouts(t, []);
  assert.equal(found.main, undefined);
  assert.match(found.thread.dir, DERIVED);
  assert.equal(found.thread.source, 'threads');
  assert.equal(found.thread.derived, true);
  assert.equal(found.bareThread.dir, found.thread.dir);
  assert.equal(found.joined, undefined, 'the threads have not made it');
  assert.equal(found.asPrimary.dir, found.thread.dir, 'where it would count if it forked, too');
});

test('a cluster is in one directory: primary, workers and all their threads', needs('root'), async (t) => {
  const found = await whereabouts(t, ['cluster']);
  assert.equal(found.beforeForking, undefined);
  assert.equal(found.main?.source, 'cluster');
  const { dir } = found.main;
  assert.match(dir, DERIVED);
  assertAllIn(dir, found);
  assert.equal(found.workers.length, 2);
  for (const worker of found.workers) assertAllIn(dir, worker);
});

test('two clusters are in two directories', async (t) => {
  const [one, other] = await Promise.all([whereabouts(t, ['cluster']), whereabouts(t, ['cluster'])]);
  assert.notEqual(one.main?.dir, other.main?.dir);
});

test(
  'workers that drop their privileges use the same directory as each other and their threads',
  needs('other users'),
  async (t) => {
    const { workers } = await whereabouts(t, ['cluster', 'drop']);
    const dir = workers[0].main?.dir as string;
    afterTest(t, () => rmSync(dir, { recursive: true }));
    assert.match(dir, /prom-multiproc-1000-process-[0-9a-f]{16}$/);
    for (const worker of workers) assertAllIn(dir, worker);
  },
);

test('the environment variable takes precedence over a cluster and over PM2', async (t) => {
  for (const variables of [{}, PM2]) {
    const found = await whereabouts(t, ['cluster'], { ...variables, PROMETHEUS_MULTIPROC_DIR: '/named/by/hand' });
    assert.deepEqual(found.beforeForking, { dir: '/named/by/hand', source: 'variable', derived: false });
    assertAllIn('/named/by/hand', found);
    for (const worker of found.workers) assertAllIn('/named/by/hand', worker);
  }
});

test('a directory that is named at run time reaches threads with an empty environment', async (t) => {
  const found = await whereabouts(t, ['name', 'cluster']);
  assertAllIn('/named/at/run/time', found);
  for (const worker of found.workers) assertAllIn('/named/at/run/time', worker);
});

function named(dir: string): ChosenDirectory | undefined {
  return chooseOwn(environment({ PROMETHEUS_MULTIPROC_DIR: dir }));
}

test('the variable is resolved, is ignored when empty, and keeps a derived directory derived', () => {
  assert.equal(named('metrics/here')?.dir, join(process.cwd(), 'metrics/here'));
  assert.equal(named('/a/../b/')?.dir, '/b');
  assert.equal(named(''), undefined);
  assert.equal(named('/dev/shm/prom-multiproc-0-0123456789abcdef')?.derived, true);
  assert.equal(named('/dev/shm/prom-multiproc-0-0123456789abcdef/deeper')?.derived, false);
});

test('the instances of a PM2 app share a directory, in any mode and number', needs('root'), () => {
  const located = chooseOwn(environment(PM2));
  assert.equal(located?.source, 'PM2');
  assert.match(located.dir, DERIVED);
  const same: Record<string, string>[] = [
    { ...PM2, pm_id: '17', unique_id: 'b0a9', NODE_APP_INSTANCE: '3' },
    // Cluster mode, before PM2 has unpacked it: the environment of a preloaded module and of a thread without environment.
    { NODE_UNIQUE_ID: '4', pm2_env: JSON.stringify({ ...PM2, pm_id: 4, args: [], env: {} }) },
  ];
  for (const variables of same) assert.equal(chooseOwn(environment(variables))?.dir, located.dir);
});

test('other PM2 apps, namespaces, homes and scripts have other directories', () => {
  const changes = [{}, { name: 'b' }, { namespace: 'b' }, { PM2_HOME: '/home/b/.pm2' }, { pm_exec_path: '/srv/b.js' }];
  const dirs = changes.map((change) => chooseOwn(environment({ ...PM2, ...change }))?.dir);
  assert.equal(new Set(dirs).size, changes.length);
});

test('PM2 without a home in the environment uses the default home', () => {
  const { PM2_HOME: _, ...withoutHome } = PM2;
  const withHome = environment({ ...PM2, PM2_HOME: join(process.env.HOME as string, '.pm2') });
  assert.equal(chooseOwn(environment(withoutHome))?.dir, chooseOwn(withHome)?.dir);
});

test('the cluster that a PM2 app forks belongs to the app', async (t) => {
  const [one, other] = await Promise.all([
    whereabouts(t, ['cluster'], PM2),
    whereabouts(t, ['cluster'], { ...PM2, pm_id: '1' }),
  ]);
  const { dir } = chooseOwn(environment(PM2)) as ChosenDirectory;
  for (const process of [one, ...one.workers, other, ...other.workers]) assertAllIn(dir, process);
});

test('a variable pm_id alone does not mean PM2', () => {
  assert.equal(chooseOwn(environment({ pm_id: '0' })), undefined);
  assert.equal(chooseOwn(environment({ pm_exec_path: '/srv/shop/app.js' })), undefined);
  assert.equal(chooseOwn(environment({ pm2_env: '{"pm_id":' })), undefined);
  assert.equal(chooseOwn(environment({ pm2_env: 'null' })), undefined);
});

/** As for a login user, whose derived directories are not in /dev/shm. */
function withoutSharedMemory(variables: Record<string, string>): Whereabouts {
  const fixture = join(__dirname, 'programs/whereabouts.js');
  const script = `mount -t tmpfs -o ro none /dev/shm && exec ${process.execPath} -e '
    process.send = (message) => console.log(JSON.stringify(message)); process.argv[1] = "x"; require("${fixture}")'`;
  const env = environment(variables);
  return JSON.parse(execFileSync('unshare', ['--mount', 'sh', '-c', script], { env, encoding: 'utf8' })) as Whereabouts;
}

test(
  'without a writable /dev/shm the temporary directory is used, for threads without environment too',
  needs('root', 'namespaces'),
  () => {
    const found = withoutSharedMemory({ TMPDIR: '/var/tmp/' });
    assert.match(found.thread.dir, /^\/var\/tmp\/prom-multiproc-0-/);
    assert.equal(found.bareThread.dir, found.thread.dir);
  },
);

test('instances of a PM2 app from shells with different TMPDIR share a directory', needs('root', 'namespaces'), () => {
  const found = withoutSharedMemory({ ...PM2, TMPDIR: '/var/tmp' });
  assert.match(found.main?.dir ?? '', /^\/tmp\/prom-multiproc-0-/);
  assertAllIn(found.main?.dir as string, found);
});
