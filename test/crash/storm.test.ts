/**
 * A storm of short lives: each process counts until a SIGKILL at a random moment. The long form is `npm run soak`
 * (STORM_LIVES=2500).
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MultiprocessCollector } from 'prom-multiproc';
import { startFixture } from '../support/fixture.js';
import { withTempDir } from '../support/temp-dir.js';

const LIVES = Number(process.env.STORM_LIVES ?? 60);
const AT_ONCE = 4;
/** Written files are behind by one flush. */
const MAPPED = process.env.PROM_MULTIPROC_NO_MMAP !== '1';

test(`after ${LIVES} lives that ended by SIGKILL every count is there, and none twice`, async (t) => {
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
      const life = startFixture(t, 'crash/workers/life', [join(ledgers, String(next++))], { env });
      await life.said();
      await sleep(Math.random() * 40);
      assert.equal(await life.kill(), 'SIGKILL', life.output);
    }
  };
  // a failure of the watch is told of when the storm is over
  watch.catch(() => {});
  await Promise.all(Array.from({ length: AT_ONCE }, live));
  storming = false;
  await watch;

  const written = readdirSync(ledgers).map((name) => Number(readFileSync(join(ledgers, name), 'utf8')));
  const sum = written.reduce((all, count) => all + count, 0);
  const end = await totals();
  t.diagnostic(`${LIVES} lives, ${sum} counts written down, ${end.counts} counted, ${scrapes} scrapes`);
  assert.equal(written.length, LIVES);
  if (MAPPED) {
    assert.ok(end.counts >= sum && end.counts <= sum + LIVES, `${end.counts} counted, ${sum} written down by ${LIVES}`);
    assert.ok(end.sizes >= sum && end.sizes <= sum + LIVES, `${end.sizes} sizes, ${sum} written down by ${LIVES}`);
  } else {
    assert.ok(end.counts <= sum + LIVES, `${end.counts} counted, ${sum} written down by ${LIVES}`);
  }
  assert.equal(end.alive, 0);
  const { folded } = await collector.fold();
  const after = await totals();
  assert.deepEqual(after, end, `after the last ${folded} were folded`);
  assert.ok(scrapes > 10);
  await collector.close();
});
