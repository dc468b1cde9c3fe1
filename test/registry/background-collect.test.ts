/** collect() in a process that other processes read: every 5 seconds, while it is scraped. */
import assert from 'node:assert/strict';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mock, test } from 'node:test';
import { Gauge, register } from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { withTempDir } from '../support/temp-dir.js';

test('callbacks run in the background, one run at a time, unless there was no scrape for a minute', async (t) => {
  const dir = withTempDir(t);
  process.env.PROMETHEUS_MULTIPROC_DIR = dir;
  mock.timers.enable({ apis: ['setInterval'] });
  afterTest(t, () => {
    register.clear();
    mock.timers.reset();
    delete process.env.PROMETHEUS_MULTIPROC_DIR;
  });
  let runs = 0;
  let finish: (() => void) | undefined;
  new Gauge({
    name: 'queue_length',
    help: 'Queue',
    collect() {
      this.set(++runs);
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    },
  });
  const runsAfter = async (intervals: number, callbackEnds: boolean): Promise<number> => {
    for (let interval = 0; interval < intervals; interval++) {
      mock.timers.tick(5000);
      if (callbackEnds) finish?.();
      // the run continues after its callbacks have ended
      await new Promise((resolve) => setImmediate(resolve));
    }
    return runs;
  };
  const scraped = join(dir, 'scraped');
  const scrapedAt = (secondsAgo: number): void => {
    writeFileSync(scraped, '\n');
    utimesSync(scraped, Date.now() / 1000 - secondsAgo, Date.now() / 1000 - secondsAgo);
  };

  assert.equal(await runsAfter(2, true), 2, 'there was no scrape yet, or the readers may not write to the directory');
  scrapedAt(61);
  assert.equal(await runsAfter(3, true), 2);
  scrapedAt(1);
  assert.equal(await runsAfter(2, true), 4);
  assert.equal(await runsAfter(3, false), 5, 'a run that has not ended is the only one');
  finish?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await runsAfter(1, true), 6);
  scrapedAt(61);
  assert.equal(await runsAfter(2, true), 6);
  rmSync(scraped);
  assert.equal(await runsAfter(1, true), 7);
  register.clear();
  assert.equal(await runsAfter(2, true), 7, 'a registry without metrics has nothing to run');
});
