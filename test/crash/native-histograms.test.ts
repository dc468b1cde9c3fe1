/** Native histograms of a process that is read while it observes, and killed at any moment. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { scanDirectory } from '../../src/directory/scan.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { assertHistogramsAreSound } from '../support/exposition-parser.js';
import { forkProgram } from '../support/forked-program.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

/** `npm run soak` reads 10 million histograms. */
const READ = Number(process.env.NATIVE_HISTOGRAMS_TO_READ ?? 8000);
const LIVES = 4;

/** Returns the counts by route, after checking every histogram: its count is the sum of its bins. */
function countsIn(reading: Reading): Map<string, number> {
  const [family] = decodeProtobuf(reading.body('protobuf'));
  const counts = new Map<string, number>();
  for (const { labels, zeroCount, positive, negative, count } of family?.native ?? []) {
    const total = [...positive, ...negative].reduce((sum, [, inBucket]) => sum + inBucket, zeroCount);
    assert.equal(total, count, `the bins of ${labels.route}`);
    counts.set(labels.route, count);
  }
  for (const { name, labels, value } of family?.samples ?? []) {
    if (name.endsWith('_bucket')) assert.ok(value <= counts.get(labels.route)!, `a bucket of ${labels.route}`);
  }
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
    for (const { name } of scanDirectory(dir).dataFiles) assert.deepEqual(checkFile(join(dir, name)).problems, []);
    const counts = read();
    assertHistogramsAreSound(reading.text());
    assert.equal(foldDirectory(dir).folded, 1);
    assert.deepEqual(read(), counts);
  }
  reading.close();
});
