/**
 * Threads end in any way, at any moment: the process continues, keeps nothing of them, and their counts stay.
 * `npm run soak` runs more of them, also on other Node releases.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';
import type { Outcome } from './programs/thread-keeper.js';

const THREADS = Number(process.env.ENDING_THREADS ?? 32);
const TERMINATIONS = Number(process.env.THREAD_TERMINATIONS ?? 32);
const MIB = 2 ** 20;
const skip = process.platform !== 'linux' && 'only Linux tells how many mappings there are';
const isMapped = process.env.PROM_MULTIPROC_NO_MMAP !== '1';

async function keepThreads(t: TestContext, count: number, how: string): Promise<Outcome> {
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: withTempDir(t) };
  const application = forkProgram(t, 'e2e/programs/thread-keeper', [String(count), how], {
    env,
    execArgv: ['--expose-gc'],
  });
  const outcome = await application.nextMessage<Outcome>();
  assert.equal(await application.ended, 0, application.output);
  t.diagnostic(JSON.stringify(outcome));
  return outcome;
}

/** Checks what is left of that many threads: without this package, 0.2 mappings each. */
function assertNothingIsLeft({ mappings: [before, after], rssBytes }: Outcome, count: number): void {
  assert.ok(after - before < 40 + count * 0.3, `${after - before} mappings are left of ${count} threads`);
  const growth = rssBytes[1] - rssBytes[0];
  assert.ok(growth < 60 * MIB, `RSS grew by ${Math.round(growth / MIB)} MiB`);
}

test('threads that end leave exact counts, and no gauges or mappings', { skip }, async (t) => {
  const outcome = await keepThreads(t, THREADS, 'ends');
  assert.equal(outcome.jobs, outcome.counted);
  assert.equal(outcome.inflight, 0);
  assertNothingIsLeft(outcome, THREADS / 2);
});

test('threads that are terminated at random moments end by themselves', { skip }, async (t) => {
  const outcome = await keepThreads(t, TERMINATIONS, 'is terminated');
  const { jobs, counted } = outcome;
  assert.ok(counted > 0, 'none of them came to count');
  // each may have been between its count and the record of it
  assert.ok(jobs <= counted + TERMINATIONS, `${jobs} jobs of ${counted}`);
  // a mapped file has every count of a thread, also the last
  if (isMapped) assert.ok(jobs >= counted, `${jobs} jobs of ${counted}`);
  assert.equal(outcome.inflight, 0);
  assertNothingIsLeft(outcome, TERMINATIONS / 2);
});
