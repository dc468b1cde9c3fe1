/** Trouble with the disk and the directory of a running process: it continues to count, and nothing is lost afterwards. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { afterTest } from '../support/after-test.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { memoryGroup } from '../support/memory-group.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import type { StoreState, Order } from './programs/counting.js';
import { needs } from '../support/needs.js';

const MOUNTS = needs('root', 'namespaces');

/** A separate file system in memory, like /dev/shm. */
function mounted(t: TestContext, options: string): string {
  const dir = join(withTempDir(t), 'mounted');
  mkdirSync(dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'none', dir]);
  afterTest(t, () => void execFileSync('umount', ['-l', dir]));
  return dir;
}

interface Application {
  readonly fixture: ForkedProgram;
  tell(order: Order): Promise<StoreState>;
}

function startApplication(t: TestContext, dir: string, env: NodeJS.ProcessEnv = {}): Application {
  const fixture = forkProgram(t, 'storage/programs/counting', [], {
    env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, ...env },
  });
  return { fixture, tell: (order) => fixture.ask<StoreState>(order) };
}

/** Checks that every series exists with that value. */
function assertCounted(dir: string, series: number, value: number): void {
  const values = valuesIn(dir);
  assert.equal(Object.keys(values).length, series);
  assert.deepEqual(new Set(Object.values(values)), new Set([value]));
}

/** Fills a file system except for this much space. */
function fill(dir: string, freeBytes: number): string {
  const path = join(dir, 'somebody-elses');
  const { bavail, bsize } = statfsSync(dir);
  writeFileSync(path, Buffer.alloc(bavail * bsize - freeBytes));
  return path;
}

test(
  'on a disk that fills up a process continues in memory, and moves into the file when there is room',
  MOUNTS,
  async (t) => {
    const dir = mounted(t, 'size=1m');
    const filler = fill(dir, 100 * 1024);
    const { tell, fixture } = startApplication(t, dir);
    const full = await tell({ order: 'count', from: 0, series: 5000 });
    assert.equal(full.liveSeries, 5000);
    assert.ok(full.bytesInMemory > 0);
    for (let again = 0; again < 3; again++) await tell({ order: 'maintain' });
    const found = Object.keys(valuesIn(dir)).length;
    assert.ok(found > 0 && found < 5000, `${found} series`);
    const reading = new Reading(dir);
    reading.text();
    assert.ok(reading.stats.bytesInMemory > 0);
    reading.close();
    rmSync(filler);
    await tell({ order: 'count', from: 0, series: 5000 });
    const free = await tell({ order: 'maintain' });
    assert.equal(free.bytesInMemory, 0);
    assertCounted(dir, 5000, 2);
    assert.equal(await fixture.kill(), 'SIGKILL', 'it lived to be killed');
    assert.equal(fixture.output.match(/until there is room/g)?.length, 1, fixture.output);
  },
);

/** Why no file can be created at first, and how that ends. */
const REFUSALS: Record<string, { options: string; begin(dir: string): void; end(dir: string): void }> = {
  'a full disk': {
    options: 'size=64k',
    begin: (dir) => void fill(dir, 0),
    end: (dir) => execFileSync('mount', ['-o', 'remount,size=4m', dir]),
  },
  'a file system without inodes': {
    options: 'size=4m,nr_inodes=2',
    begin: (dir) => writeFileSync(join(dir, 'last'), ''),
    end: (dir) => execFileSync('mount', ['-o', 'remount,nr_inodes=100', dir]),
  },
  'a read-only file system': {
    options: 'size=4m,ro',
    begin: () => {},
    end: (dir) => execFileSync('mount', ['-o', 'remount,rw', dir]),
  },
};

for (const [name, { options, begin, end }] of Object.entries(REFUSALS)) {
  test(
    `on ${name} a process counts in memory, leaves nothing behind, and creates its file when it can`,
    MOUNTS,
    async (t) => {
      const dir = mounted(t, options);
      begin(dir);
      const before = readdirSync(dir);
      const { tell, fixture } = startApplication(t, dir);
      const { backing, descriptors } = await tell({ order: 'count', from: 0, series: 100 });
      assert.equal(backing, 'memory');
      for (let again = 0; again < 5; again++) await tell({ order: 'maintain' });
      const later = await tell({ order: 'count', from: 0, series: 100 });
      // the runtime may have had one open at the first count
      assert.ok(later.descriptors <= descriptors, `${later.descriptors} descriptors, before it ${descriptors}`);
      assert.deepEqual(
        readdirSync(dir).filter((file) => !before.includes(file) && /prom-mp/.test(file)),
        [],
      );
      end(dir);
      await tell({ order: 'maintain' });
      await tell({ order: 'count', from: 0, series: 100 });
      await tell({ order: 'maintain' });
      assertCounted(dir, 100, 3);
      await fixture.kill();
      assert.equal(fixture.output.match(/counted in memory, not in/g)?.length, 1, fixture.output);
    },
  );
}

test('a process whose file is full continues in memory, and reports how much', MOUNTS, async (t) => {
  const dir = withTempDir(t);
  const { tell, fixture } = startApplication(t, dir, { PROM_MULTIPROC_MAX_BYTES: '50000' });
  const { liveSeries, bytesInMemory } = await tell({ order: 'count', from: 0, series: 3000 });
  assert.equal(liveSeries, 3000);
  assert.ok(bytesInMemory > 8 * 1000);
  await tell({ order: 'maintain' });
  const reading = new Reading(dir);
  assert.ok(Object.values(reading.values()).every((value) => value === 1));
  assert.equal(reading.stats.bytesInMemory, bytesInMemory);
  assert.ok(reading.stats.fileBytes <= 50_000);
  reading.close();
  await fixture.kill();
  assert.match(fixture.output, /PROM_MULTIPROC_MAX_BYTES raises it/);
});

for (const noMmap of ['0', '1']) {
  test(
    `a short job on a full disk reports at once how much is missing, ${noMmap === '1' ? 'written' : 'mapped'}`,
    MOUNTS,
    (t) => {
      const dir = join(mounted(t, 'size=64k'), 'app');
      mkdirSync(dir, { mode: 0o700 });
      const job = `const { Counter } = require('prom-multiproc');
        const counter = new Counter({ name: 'jobs_total', help: 'h', labelNames: ['job'] });
        for (let job = 0; job < 5000; job++) counter.inc({ job });`;
      const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, PROM_MULTIPROC_NO_MMAP: noMmap };
      const { stderr, status } = spawnSync(process.execPath, ['-e', job], { encoding: 'utf8', env, cwd: __dirname });
      assert.equal(status, 0);
      assert.match(stderr, /some metrics are counted in memory until there is room: /);
      const [, missing, bytes] = /(\d+) of 5000 series, (\d+) bytes, are lost with this process/.exec(stderr) ?? [];
      const reading = new Reading(dir);
      reading.values();
      assert.equal(reading.stats.bytesInMemory, Number(bytes));
      reading.close();
      assert.equal(Object.keys(valuesIn(dir)).length, 5000 - Number(missing));
      assert.ok(Number(missing) > 0 && Number(bytes) === 8 * Number(missing), stderr);
    },
  );
}

test(
  'in a memory cgroup, whose limit ends in the OOM killer and not in an error, the cap keeps a process alive',
  MOUNTS,
  async (t) => {
    const limitBytes = 200 * 1024 * 1024;
    const countIn = async (maxBytes: number): Promise<{ answer?: StoreState; usageBytes: number }> => {
      const group = memoryGroup(t, limitBytes);
      const { tell, fixture } = startApplication(t, mounted(t, 'size=1g'), {
        PROM_MULTIPROC_MAX_BYTES: String(maxBytes),
        PROM_MULTIPROC_MAX_SERIES_PER_METRIC: '1000000',
      });
      await tell({ order: 'maintain' });
      group.add(fixture.pid);
      const counted = tell({ order: 'count what takes a KiB of file each', series: 200_000 });
      const answer = await counted.catch(() => undefined);
      const usageBytes = group.usageBytes();
      await fixture.kill();
      return { answer, usageBytes };
    };
    const capped = await countIn(8 * 1024 * 1024);
    assert.equal(capped.answer?.liveSeries, 200_000);
    assert.ok(capped.answer.bytesInMemory > 0);
    const uncapped = await countIn(1024 * 1024 * 1024);
    // a machine that swaps lets it live, at the limit
    const isAtTheEnd = uncapped.answer === undefined || uncapped.usageBytes > 0.9 * limitBytes;
    assert.ok(isAtTheEnd, `without the cap it lives on with ${uncapped.usageBytes} bytes`);
  },
);

/** What a cleaner of temporary files removes. */
const CLEANINGS: Record<string, (dir: string) => void> = {
  'its file is': (dir) => {
    for (const name of readdirSync(dir)) if (name.endsWith('.prom-mp')) rmSync(join(dir, name));
  },
  'everything in its directory is': (dir) => {
    for (const name of readdirSync(dir)) rmSync(join(dir, name));
  },
  'its directory is': (dir) => rmSync(dir, { recursive: true }),
};

for (const [name, clean] of Object.entries(CLEANINGS)) {
  test(`a process creates its file again when ${name} deleted, with all its counts`, MOUNTS, async (t) => {
    const dir = join(withTempDir(t), 'app');
    mkdirSync(dir);
    const { tell, fixture } = startApplication(t, dir);
    await tell({ order: 'count', from: 0, series: 1000 });
    for (let round = 1; round <= 3; round++) {
      clean(dir);
      await tell({ order: 'count', from: 0, series: 1000 });
      await tell({ order: 'maintain' });
      await tell({ order: 'maintain' });
      assertCounted(dir, 1000, round + 1);
    }
    await fixture.kill();
    assert.match(fixture.output, /was deleted while in use/);
  });
}

test('a process that cannot write logs that once, and writes everything when it can', MOUNTS, async (t) => {
  const dir = withTempDir(t);
  const { tell, fixture } = startApplication(t, dir, { PROM_MULTIPROC_NO_MMAP: '1' });
  await tell({ order: 'count', from: 0, series: 1000 });
  await tell({ order: 'maintain' });
  for (let round = 0; round < 3; round++) {
    await tell({ order: 'count', from: 0, series: 1000 });
    await tell({ order: 'maintain while no write succeeds' });
  }
  await tell({ order: 'maintain' });
  assertCounted(dir, 1000, 4);
  assert.equal(fixture.output.match(/could not be written.*EIO/g)?.length, 1, fixture.output);
});

test(
  'a process without free descriptors continues, and moves into a file when it has some again',
  MOUNTS,
  async (t) => {
    const dir = withTempDir(t);
    const { tell } = startApplication(t, dir);
    await tell({ order: 'count', from: 0, series: 10 });
    await tell({ order: 'take descriptors' });
    const { liveSeries } = await tell({ order: 'count', from: 0, series: 3000 });
    assert.equal(liveSeries, 3000);
    await tell({ order: 'maintain' });
    await tell({ order: 'give descriptors back' });
    const { bytesInMemory } = await tell({ order: 'maintain' });
    assert.equal(bytesInMemory, 0);
    await tell({ order: 'count', from: 0, series: 3000 });
    await tell({ order: 'maintain' });
    const values = Object.values(valuesIn(dir));
    assert.equal(values.length, 3000);
    assert.equal(
      values.reduce((sum, value) => sum + value, 0),
      6010,
    );
  },
);
