/** The memory and the files of a collector that is not asked for long. */
import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import type { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { startMember, written } from '../support/cluster.js';
import { collectorOf } from '../support/collector.js';
import { collectGarbage } from '../support/garbage.js';
import { until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const SERIES = 20_000;
const IDLE_MS = 300;

/** Metrics files that this process, or one of its threads, holds open. */
function openFiles(dir: string): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${descriptor}`);
      return path.startsWith(dir) && path.endsWith('.prom-mp');
    } catch {
      // the descriptor of this listing itself
      return false;
    }
  }).length;
}

function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function scraped(t: TestContext, threads: boolean): Promise<{ dir: string; collector: MultiprocessCollector }> {
  const dir = withTempDir(t);
  const member = await startMember(t, {
    PROMETHEUS_MULTIPROC_DIR: dir,
    PROM_MULTIPROC_MAX_SERIES_PER_METRIC: '100000',
  });
  await member.run(({ prom }, series) => {
    const counter = new prom.Counter({ name: 'visits_total', help: 'Visits', labelNames: ['page'] });
    for (let page = 0; page < series; page++) counter.inc({ page: `/pages/${page}` });
  }, SERIES);
  const collector = collectorOf(t, dir, { threads, idleMs: IDLE_MS });
  await written();
  const { body } = await collector.metrics();
  assert.match(Buffer.from(body).toString(), /visits_total\{page="\/pages\/19999"\} 1\n/);
  return { dir, collector };
}

async function filesAreClosed(dir: string): Promise<void> {
  await until(() => openFiles(dir) === 0);
}

async function servesAgain(collector: MultiprocessCollector): Promise<void> {
  const families = await collector.families();
  assert.equal(families.find(({ name }) => name === 'visits_total')?.samples.length, SERIES);
}

test('an idle collector drops its index, and builds it again at the next request', async (t) => {
  const { dir, collector } = await scraped(t, false);
  assert.equal(openFiles(dir), 1);
  const busy = memoryInUse();
  await filesAreClosed(dir);
  // 20,000 series are at least 1 MB of keys and lines; the memory of arrays is freed a little after its collection
  await until(() => busy - memoryInUse() > 1_000_000);
  await servesAgain(collector);
});

test('an idle thread ends, and its files are closed', async (t) => {
  const { dir, collector } = await scraped(t, true);
  assert.equal(openFiles(dir), 1);
  await filesAreClosed(dir);
  await servesAgain(collector);
});
