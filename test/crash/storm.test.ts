/**
 * Many short lives: each process counts until a SIGKILL at a random moment. The long form is `npm run soak`
 * (STORM_LIVES=2500).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MultiprocessCollector } from 'prom-multiproc';
import { BEHIND_MS } from '../support/cluster.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

const LIVES = Number(process.env.STORM_LIVES ?? 60);
const AT_ONCE = 4;
/** Long enough for some flushes of a file that is written on a timer. */
const MAX_LIFE_MS = BEHIND_MS === 0 ? 40 : 2 * BEHIND_MS;

test(`after ${LIVES} lives that ended by SIGKILL every count exists, and none counts twice`, async (t) => {
  const dir = withTempDir(t);
  const ledgers = withTempDir(t, { checkFiles: false });
  const collector = new MultiprocessCollector({ dir, fold: { files: 12 } });
  const totals = async (): Promise<{ counts: number; sizes: number; alive: number }> => {
    const families = await collector.families();
    const valueOf = (name: string, of?: string): number =>
      families.flatMap(({ samples }) => samples).find((sample) => sample.name === name && sample.labels.of === of)
        ?.value ?? 0;
    return {
      counts: valueOf('storm_counts_total', 'all'),
      sizes: valueOf('storm_sizes_count'),
      alive: valueOf('storm_alive'),
    };
  };

  let storming = true;
  let scrapes = 0;
  const watch = (async () => {
    let before = await totals();
    while (storming) {
      const now = await totals();
      assert.ok(now.counts >= before.counts, `counts fell from ${before.counts} to ${now.counts}`);
      assert.ok(now.sizes >= before.sizes, `sizes fell from ${before.sizes} to ${now.sizes}`);
      before = now;
      scrapes++;
      await sleep(1);
    }
  })();
  let next = 0;
  const live = async (): Promise<void> => {
    while (next < LIVES) {
      const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
      const life = forkProgram(t, 'crash/programs/life', [join(ledgers, String(next++)), String(BEHIND_MS)], { env });
      await life.nextMessage();
      await sleep(Math.random() * MAX_LIFE_MS);
      assert.equal(await life.kill(), 'SIGKILL', life.output);
    }
  };
  // a failure of the watch is reported when all lives have ended
  watch.catch(() => {});
  await Promise.all(Array.from({ length: AT_ONCE }, live));
  storming = false;
  await watch;

  const written = readdirSync(ledgers).map((name) => readFileSync(join(ledgers, name), 'utf8').split('\n').map(Number));
  const sumOf = (line: number): number => written.reduce((sum, counts) => sum + (counts[line] ?? 0), 0);
  // counts in a mapping are visible at once
  const [most, least] = [sumOf(0) + LIVES, BEHIND_MS === 0 ? sumOf(0) : sumOf(1)];
  const end = await totals();
  t.diagnostic(`${LIVES} lives, ${least} to ${most} counts, ${end.counts} counted, ${scrapes} scrapes`);
  assert.equal(written.length, LIVES);
  assert.ok(least > LIVES);
  assert.ok(end.counts >= least && end.counts <= most, `${end.counts} counted, of ${least} to ${most}`);
  assert.ok(end.sizes >= least && end.sizes <= most, `${end.sizes} sizes, of ${least} to ${most}`);
  assert.equal(end.alive, 0);
  const { folded } = await collector.fold();
  const after = await totals();
  assert.deepEqual(after, end, `after the last ${folded} were folded`);
  assert.ok(scrapes > 10);
  await collector.close();
});
