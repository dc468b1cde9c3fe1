/** Metrics that get further labels while they count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { DeadProcess } from '../support/dead-process.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const EXPECTED = {
  hits_total: 111,
  'hits_total{route="/"}': 44,
  'hits_total{code="200",route="/"}': 40,
};

test('processes that got the labels of a metric in different orders are merged, without a conflict, also when folded', (t) => {
  const dir = withTempDir(t);
  const first = new DeadProcess(dir).show();
  const reading = new Reading(dir);
  t.after(() => reading.close());
  // one reader follows the log while the family gets its labels
  first.countOpen('hits_total', {}, 1).flush();
  assert.deepEqual(reading.values(), { hits_total: 1 });
  first.countOpen('hits_total', { route: '/' }, 4).flush();
  first.countOpen('hits_total', { code: '200', route: '/' }, 10).flush();
  assert.deepEqual(reading.values(), {
    hits_total: 1,
    'hits_total{route="/"}': 4,
    'hits_total{code="200",route="/"}': 10,
  });
  const second = new DeadProcess(dir).show();
  second.countOpen('hits_total', { code: '200', route: '/' }, 30);
  second.countOpen('hits_total', { route: '/' }, 40).countOpen('hits_total', {}, 110).flush();
  assert.deepEqual(reading.values(), EXPECTED);
  assert.deepEqual(reading.stats.conflicts, {});
  for (const { path } of [first, second]) assert.deepEqual(checkFile(path).problems, []);

  first.die();
  second.die();
  const fresh = new Reading(dir);
  t.after(() => fresh.close());
  assert.deepEqual(fresh.values(), EXPECTED);
  foldDirectory(dir);
  assert.deepEqual(fresh.values(), EXPECTED);
  assert.deepEqual(reading.values(), EXPECTED);
});
