import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { TaskThread } from '../../src/collector/task-thread.js';
import { afterTest } from '../support/after-test.js';
import { startProgram } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const FILE = join(__dirname, 'programs', 'arithmetic-thread.js');

function threadOf(t: TestContext, file = FILE): TaskThread<'count' | 'throw' | 'exit', number> {
  const thread = new TaskThread<'count' | 'throw' | 'exit', number>({ file, idleMs: 60_000 });
  afterTest(t, () => thread.close());
  return thread;
}

test("one thread runs all tasks, and an error of a task is that task's error", async (t) => {
  const thread = threadOf(t);
  assert.equal(thread.isOpen, false);
  assert.equal(await thread.run('count'), 1);
  await assert.rejects(thread.run('throw'), { name: 'RangeError', message: 'a task that throws' });
  assert.equal(await thread.run('count'), 2);
  assert.equal(thread.isOpen, true);
});

test('a thread that ends in the middle of a task is an error of the task, and the next has a new thread', async (t) => {
  const thread = threadOf(t);
  assert.equal(await thread.run('count'), 1);
  await assert.rejects(thread.run('exit'), /ended|exited/);
  assert.equal(await thread.run('count'), 1);
  await thread.close();
  assert.equal(await thread.run('count'), 1);
});

test('a thread that cannot start is an error of the task, every time', async (t) => {
  const thread = threadOf(t, '/nowhere/thread.js');
  for (let round = 0; round < 3; round++) await assert.rejects(thread.run('count'), /nowhere/);
});

test('a task in progress fails when the thread is closed', async (t) => {
  const thread = threadOf(t);
  const task = assert.rejects(thread.run('count'));
  // the pool exists once the package is loaded
  while (!thread.isOpen) await new Promise((resolve) => setImmediate(resolve));
  await thread.close();
  await task;
});

test('where an application preloads a module that throws in threads, it lives on and its metrics are merged inline', async (t) => {
  const dir = withTempDir(t);
  const preload = join(dir, 'no-threads.js');
  writeFileSync(preload, `if (!require('node:worker_threads').isMainThread) throw new Error('not in a thread');`);
  const scraper = startProgram(t, process.execPath, [join(__dirname, 'programs', 'scraper.js')], {
    PROMETHEUS_MULTIPROC_DIR: join(dir, 'files'),
    NODE_OPTIONS: `--require ${preload}`,
  });
  assert.equal(await scraper.ended(), 0, scraper.output());
  assert.match(scraper.output(), /merged on the main thread: not in a thread/);
  assert.match(scraper.output(), /^scrapes_total 2$/m);
});
