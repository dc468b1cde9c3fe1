/** An archive that is deleted while readers show it. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { archiveName } from '../../src/directory/file-name.js';
import { collectorOf } from '../support/collector.js';
import { DeadProcess } from '../support/dead-process.js';
import { withTempDir } from '../support/temp-dir.js';

/** Returns how a collector shows jobs_total of a directory whose archive has 1000, and a dead process 7 more. */
function start(
  t: TestContext,
  { threads = false, readOnly = false } = {},
): { dir: string; archive: string; jobs(): Promise<number | undefined>; warnings(): string } {
  const warn = t.mock.method(console, 'warn', () => {});
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', {}, 1000).die();
  foldDirectory(dir);
  new DeadProcess(dir).count('jobs_total', {}, 7).die();
  const collector = collectorOf(t, dir, { threads, readOnly, selfMetrics: false, fold: false });
  return {
    dir,
    archive: join(dir, archiveName(1)),
    jobs: async () => (await collector.families())[0]?.samples[0]?.value,
    warnings: () => warn.mock.calls.map(({ arguments: [text] }) => String(text)).join('\n'),
  };
}

for (const threads of [false, true]) {
  test(`a server${threads ? ' that merges in a thread' : ''} restores an archive that it has shown`, async (t) => {
    const { dir, archive, jobs, warnings } = start(t, { threads });
    assert.equal(await jobs(), 1007);
    for (let time = 0; time < 2; time++) {
      unlinkSync(archive);
      assert.equal(await jobs(), 1007);
      assert.ok(existsSync(archive));
    }
    if (!threads) assert.match(warnings(), /was deleted while in use; it is restored/);
    // and folds continue from there
    foldDirectory(dir);
    assert.equal(await jobs(), 1007);
    assert.ok(!existsSync(archive));
  });
}

test('a reader without write permission continues to show it, and warns', async (t) => {
  const { archive, jobs, warnings } = start(t, { readOnly: true });
  assert.equal(await jobs(), 1007);
  unlinkSync(archive);
  for (let time = 0; time < 2; time++) assert.equal(await jobs(), 1007);
  assert.ok(!existsSync(archive));
  assert.match(warnings(), /was deleted while in use: only processes that have read it before still show these counts/);
});

test('an archive that a fold has replaced is not shown, nor one from another directory of that name', async (t) => {
  const { dir, archive, jobs } = start(t);
  assert.equal(await jobs(), 1007);
  for (let generation = 2; generation < 5; generation++) {
    new DeadProcess(dir).count('jobs_total', {}, 1).die();
    assert.equal(foldDirectory(dir).generation, generation);
  }
  assert.equal(await jobs(), 1010);
  assert.ok(!existsSync(archive));
  renameSync(dir, `${dir}-before`);
  mkdirSync(dir);
  renameSync(`${dir}-before`, join(dir, 'before'));
  assert.equal(await jobs(), undefined);
  new DeadProcess(dir).count('jobs_total', {}, 3).die();
  assert.equal(await jobs(), 3);
});
