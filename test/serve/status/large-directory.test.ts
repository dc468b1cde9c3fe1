/** The status page of a directory with many metrics and processes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openTab } from '../../support/browser.js';
import { ask } from '../../support/http-request.js';
import { needs } from '../../support/needs.js';
import { withTempDir } from '../../support/temp-dir.js';
import { servingDirectory } from '../serving.js';
import { counter } from '../../support/declarations.js';
import { addTo, attach, createFile } from '../../support/written-file.js';

const PROCESSES = 500;
const FAMILIES = 10_000;
const UPDATES = 3;

/** One process has all metrics; each of the others counts requests. */
function largeDirectory(dir: string): () => void {
  const files = Array.from({ length: PROCESSES }, (_, at) => {
    const file = createFile(dir, { identity: { pid: 4_200_000 + at, startedAt: Date.now() / 1000 - at } });
    const requests = file.store.declare(counter('http_requests_total', ['code']), ['default']);
    const series = attach(file.store, requests, ['200']);
    return { ...file, series };
  });
  const [{ store }] = files;
  for (let at = 0; at < FAMILIES; at++) {
    const family = store.declare(counter(`metric_${at}_total`, ['kind']), ['default']);
    addTo(attach(store, family, [at === 7777 ? 'needle' : 'hay']), at);
  }
  return () =>
    files.forEach(({ writer, series }, at) => {
      addTo(series, at);
      const figures = { cpuShare: Math.random(), residentBytes: 6e7 + at, loopLagSeconds: 0.01, gcShare: 0.01 };
      writer.beat({ ...figures, loopShare: 0.1, restarts: 0 });
    });
}

test('with 10,000 metrics and 500 processes the page stays usable', needs('chromium'), async (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const beat = largeDirectory(dir);
  beat();
  const { url } = await servingDirectory(t, dir);
  const { page, complaints } = await openTab();
  await page.goto(`${url}/status`);
  await page
    .locator('#processes tbody tr')
    .nth(PROCESSES - 1)
    .waitFor();
  assert.equal(
    await page.locator('#family-count').textContent(),
    '10,001, and 16 of the collector, the first 1,000 are listed',
  );
  assert.equal(await page.locator('#tile-series-note').textContent(), 'in 10,001 metrics');

  // those that are nearly equal fold into one row
  assert.equal(await page.locator('#all-families').textContent(), 'Show 992 more, each 1 % or less');

  // CPU time and not time, since other tests run meanwhile
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const browserMs = async (): Promise<number> => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')!.value * 1000;
  };
  const before = await browserMs();
  for (let update = 0; update < UPDATES; update++) {
    beat();
    await (await page.waitForResponse(/data\.json/)).finished();
  }
  const updateMs = ((await browserMs()) - before) / UPDATES;
  const [elements, rows] = await page.evaluate<number[]>(
    '[document.querySelectorAll("*").length, document.querySelectorAll("tbody tr").length]',
  );

  // a search over all metrics, by a label, on the server
  await page.locator('#family-filter').fill('needle');
  await page.locator('#families tbody tr', { hasText: 'metric_7777_total' }).waitFor();
  assert.equal(await page.locator('#family-count').textContent(), '1');
  await page.getByRole('button', { name: 'Chart of metric_7777_total' }).click();
  await page.locator('#charts .chart[aria-label="metric_7777_total"]').waitFor();
  // the worst one by a column
  await page.locator('#processes').getByRole('button', { name: 'Memory' }).click();
  await page
    .locator('#processes tbody tr')
    .first()
    .getByText(String(4_200_000 + PROCESSES - 1))
    .waitFor();

  const usage = process.cpuUsage();
  const { text } = await ask(`${url}/status/data.json`);
  const { user, system } = process.cpuUsage(usage);
  const serverMs = (user + system) / 1000;
  const sent = gzipSync(text).byteLength;
  const kibibytes = [text.length, sent].map((bytes) => Math.round(bytes / 1024));
  t.diagnostic(
    `data.json: ${kibibytes[0]} KiB, ${kibibytes[1]} KiB compressed, ${Math.round(serverMs)} ms of CPU; ` +
      `page: ${elements} elements, ${rows} rows, ${Math.round(updateMs)} ms of CPU for an update`,
  );
  assert.ok(text.length < 768 * 1024, `${text.length} bytes`);
  assert.ok(sent < 96 * 1024, `${sent} bytes compressed`);
  assert.ok(serverMs < 800, `${serverMs} ms`);
  assert.ok(rows < 600, `${rows} rows`);
  assert.ok(updateMs < 800, `${updateMs} ms`);
  assert.deepEqual(complaints, []);
});
