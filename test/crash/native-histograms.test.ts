/** Native histograms of a process that is read while it observes, and killed at any moment. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { foldDirectory } from '../../src/archive/fold.js';
import { scanDirectory } from '../../src/directory/scan.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { assertHistogramsAreSound } from '../support/exposition-parser.js';
import { forkProgram } from '../support/forked-program.js';
import { nativeTotals } from '../support/native-totals.js';
import { PUBLISH_STEPS } from '../support/publish-steps.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

/** `npm run soak` reads 10 million histograms. */
const READ = Number(process.env.NATIVE_HISTOGRAMS_TO_READ ?? 8000);
const LIVES = 4;

/** Returns the counts by route, after checking every histogram: its count is the sum of its bins. */
function countsIn(reading: Reading): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { labels, count, inBins, inBuckets } of nativeTotals(reading.body('protobuf'))) {
    assert.equal(inBins, count, `the bins of ${labels.route}`);
    assert.ok(inBuckets <= count, `a bucket of ${labels.route}`);
    counts.set(labels.route, count);
  }
  return counts;
}

/** Checks the files of a dead process, and returns the counts by route; a fold changes none. */
function countsOfDead(dir: string, reading: Reading): Map<string, number> {
  for (const { name } of scanDirectory(dir).dataFiles) assert.deepEqual(checkFile(join(dir, name)).problems, []);
  const counts = countsIn(reading);
  assertHistogramsAreSound(reading.text());
  assert.equal(foldDirectory(dir).folded, 1);
  assert.deepEqual(countsIn(reading), counts);
  return counts;
}

test('bins, buckets and counts agree at every read of a process that observes, and after it is killed', async (t) => {
  const dir = withTempDir(t);
  const reading = new Reading(dir);
  let before = new Map<string, number>();
  const read = (): Map<string, number> => {
    const now = countsIn(reading);
    for (const [route, count] of before) assert.ok(now.get(route)! >= count, `${route} fell below ${count}`);
    before = now;
    return now;
  };
  for (let life = 0; life < LIVES; life++) {
    const program = forkProgram(t, 'crash/programs/observing', [], {
      env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir },
    });
    await program.nextMessage();
    for (let seen = 0; seen < READ / LIVES;) seen += read().size;
    await program.kill();
    read();
    const counts = countsOfDead(dir, reading);
    assert.deepEqual(read(), counts);
  }
  reading.close();
});

for (const step of PUBLISH_STEPS) {
  test(`a native histogram has every observation up to a SIGKILL at the step “${step}” of a chunk`, async (t) => {
    const dir = withTempDir(t);
    const reading = new Reading(dir);
    let counts = new Map<string, number>();
    // a log has to grow before it restarts
    for (const occurrence of step === 'log restarted' || step === 'epoch published' ? [1] : [1, 7]) {
      const program = forkProgram(t, 'crash/programs/chunk-writer', [join(dir, 'observed'), step, String(occurrence)], {
        // a written file has the counts of its last write
        env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, PROM_MULTIPROC_NO_MMAP: '' },
      });
      assert.equal(await program.ended, 'SIGKILL', program.output);
      counts = countsOfDead(dir, reading);
    }
    reading.close();
    const observed = readFileSync(join(dir, 'observed'), 'utf8').length;
    const total = counts.get('all')!;
    // of each life one observation may have been counted and not recorded
    assert.ok(total >= observed && total <= observed + 2, `${total} of ${observed}`);
  });
}
