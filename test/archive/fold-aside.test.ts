/** The process of a fold: the application may exit in the middle of it, and passes none of its flags and variables on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldAside } from '../../src/archive/fold-aside.js';
import { foldDirectory } from '../../src/archive/fold.js';
import { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { afterTest } from '../support/after-test.js';
import { addDead } from '../support/dead-process.js';
import { forkProgram } from '../support/forked-program.js';
import { nodeRelease, OTHER_NODE_MAJORS } from '../support/node-release.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

/** `npm run soak` sets larger numbers. */
const ROUNDS = Number(process.env.EXIT_ROUNDS ?? 12);
/** On each other release. */
const ROUNDS_ELSEWHERE = Math.ceil(ROUNDS * Number(process.env.THREADS_ELSEWHERE ?? 0.15));
const DEAD_PER_ROUND = 25;

async function jobsIn(dir: string): Promise<number | undefined> {
  const collector = new MultiprocessCollector({ dir, threads: false, fold: false });
  const families = await collector.families();
  await collector.close();
  return families.find(({ name }) => name === 'jobs_total')?.samples[0]?.value;
}

for (const release of ['this release', ...OTHER_NODE_MAJORS] as const) {
  const on = release === 'this release' ? release : `Node ${release}`;
  test(`on ${on}, an application that calls process.exit() in the middle of scrapes and folds exits normally, and loses nothing`, async (t) => {
    const dir = withTempDir(t);
    const execPath = release === 'this release' ? process.execPath : await nodeRelease(release);
    const rounds = release === 'this release' ? ROUNDS : ROUNDS_ELSEWHERE;
    for (let round = 1; round <= rounds; round++) {
      addDead(dir, DEAD_PER_ROUND);
      const afterMs = String((round * 70) % 200);
      const application = forkProgram(t, 'archive/programs/exiting-folder', [dir, afterMs], { execPath });
      assert.equal(await application.ended, 0, application.output);
      assert.equal(await jobsIn(dir), round * DEAD_PER_ROUND);
    }
    // the process of the last fold may still hold the lock
    await until(() => foldDirectory(dir).generation > 0);
  });
}

test('where the executable is not node, a thread folds', async (t) => {
  const dir = withTempDir(t);
  addDead(dir, 3);
  const { execPath } = process;
  afterTest(t, () => {
    process.execPath = execPath;
  });
  process.execPath = '/opt/application';
  const progress: number[] = [];
  const { folded } = await foldAside(dir, {}, (read, of) => progress.push(read / of));
  assert.deepEqual([folded, progress.at(-1)], [3, 1]);
  assert.equal(await jobsIn(dir), 3);
  await assert.rejects(foldAside(__filename, {}), { code: 'ERR_DIRECTORY_REFUSED', message: /is not a directory/ });
});

test("the child process of a fold has none of the application's flags and variables", async (t) => {
  const dir = withTempDir(t);
  addDead(dir, 3);
  const { env } = process;
  process.env = { ...env };
  afterTest(t, () => {
    process.env = env;
  });
  // each would end the process before it begins
  process.env.NODE_OPTIONS = '--require /not/there.js';
  process.env.NODE_UNIQUE_ID = '1';
  const { folded, abandoned } = await foldAside(dir, { deadRetentionSeconds: Infinity });
  assert.deepEqual([folded, abandoned], [3, undefined]);
});
