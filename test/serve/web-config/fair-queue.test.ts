import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FairQueue } from '../../../src/serve/web-config/fair-queue.js';

/** Runs jobs by name, each until the test ends it. */
class Jobs {
  readonly started: string[] = [];
  readonly #ends = new Map<string, () => void>();

  constructor(readonly queue: FairQueue) {}

  add(lane: string, name: string): Promise<string | undefined> | undefined {
    return this.queue.run(lane, async () => {
      this.started.push(name);
      await new Promise<void>((resolve) => this.#ends.set(name, resolve));
      return name;
    });
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)!();
    await new Promise(setImmediate);
  }
}

test('one job runs at a time, and lanes take turns, whatever number of jobs they have', async () => {
  const jobs = new Jobs(new FairQueue(100));
  for (let at = 0; at < 50; at++) void jobs.add('unknown', `unknown ${at}`);
  void jobs.add('alice', 'alice');
  void jobs.add('bob', 'bob');
  assert.deepEqual(jobs.started, ['unknown 0']);
  await jobs.end('unknown 0');
  await jobs.end('unknown 1');
  await jobs.end('alice');
  await jobs.end('bob');
  assert.deepEqual(jobs.started, ['unknown 0', 'unknown 1', 'alice', 'bob', 'unknown 2']);
});

test('where all places are taken, a newcomer has that of the longest lane, unless its own is the longest', async () => {
  const jobs = new Jobs(new FairQueue(5));
  const unknown = Array.from({ length: 5 }, (_, at) => jobs.add('unknown', `unknown ${at}`));
  assert.equal(jobs.add('unknown', 'one more'), undefined);
  const alice = jobs.add('alice', 'alice');
  assert.equal(await unknown[4], undefined);
  assert.notEqual(jobs.add('bob', 'bob'), undefined);
  assert.equal(await unknown[3], undefined);
  for (const name of ['unknown 0', 'unknown 1', 'alice']) await jobs.end(name);
  assert.equal(await alice, 'alice');
});

test('a job that fails fails by itself', async () => {
  const queue = new FairQueue(2);
  const failing = queue.run('a', async () => Promise.reject(new Error('no')));
  const next = queue.run('a', async () => Promise.resolve('next'));
  await assert.rejects(async () => failing, /no/);
  assert.equal(await next, 'next');
});
