import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import type { DirectoryStatus } from '../../../src/collector/directory-status.js';
import { writeBareFile } from '../../support/bare-file.js';
import { openTab } from '../../support/browser.js';
import { type Member, startCluster } from '../../support/cluster.js';
import { DeadProcess } from '../../support/dead-process.js';
import { until } from '../../support/program.js';
import { withTempDir } from '../../support/temp-dir.js';
import { type Serving, servingDirectory } from '../serving.js';
import { SECRET_HASH, WebConfigFile } from '../web-config/web-config-file.js';
import { needs } from '../../support/needs.js';

const HOSTILE = '"><img src=x onerror="document.title=\'broken into\'"><script>document.title="broken into"</script>';

/** Counts as an HTTP server would, a few times a second. */
function traffic({ prom, kept }: { prom: typeof import('prom-multiproc'); kept: Record<string, any> }): void {
  const requests = new prom.Counter({
    name: 'http_requests_total',
    help: 'Requests that were answered.',
    labelNames: ['path', 'code'],
  });
  const durations = new prom.Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer.',
    labelNames: ['path'],
  });
  const sizes = new prom.Histogram({
    name: 'response_size_bytes',
    help: 'Size of answers.',
    buckets: [],
    nativeHistogramBucketFactor: 1.1,
  });
  const heap = new prom.Gauge({ name: 'heap_used_bytes', help: 'Heap in use.' });
  const waiting = new prom.Gauge({ name: 'jobs_waiting', help: 'Jobs in the queue.', multiprocessMode: 'liveall' });
  let turn = 0;
  const count = (): void => {
    turn++;
    heap.set(process.memoryUsage().heapUsed);
    waiting.set(Math.round(10 + 8 * Math.sin(turn / 150 + process.pid)));
    const paths = ['/', '/', '/', '/cart', '/cart', '/login', '/search'];
    for (let request = 0; request < 6 + 5 * Math.sin(turn / 250); request++) {
      const path = paths[(turn * 7 + request * 3) % paths.length];
      requests.inc({ path, code: (turn + request) % 23 === 0 ? '500' : '200' });
      sizes.observe(500 * Math.exp(3 * Math.abs(Math.sin(turn * 7.7 + request * 12.9898))));
      durations.observe({ path }, Math.exp(-6 + 4 * Math.abs(Math.sin(turn * 12.9898 + request * 78.233))));
    }
  };
  count();
  kept.timer = setInterval(count, 50);
}

interface Watched {
  readonly serving: Serving;
  readonly workers: Member[];
  readonly dir: string;
}

async function watchedCluster(
  t: TestContext,
  { dir = withTempDir(t), workers = 2, webConfigFile = '' } = {},
): Promise<Watched> {
  const cluster = await startCluster(t, dir, workers);
  for (const worker of cluster.workers) await worker.run(traffic);
  const server = await servingDirectory(t, dir, webConfigFile === '' ? {} : { webConfigFile });
  return { serving: server, workers: cluster.workers, dir };
}

function stateOf(page: Page, pid: number) {
  return page.locator('#processes tbody tr', { hasText: String(pid) }).locator('.state');
}

/**
 * How many of a chart's pixels are neither empty nor grid: lines that were drawn. Those that are red are marks of deaths: no line is
 * red.
 */
function pixelsOf(page: Page, chart: string): Promise<{ colourful: number; red: number }> {
  return page.locator(`.chart[aria-label="${chart}"] canvas`).evaluate((canvas: any) => {
    // a copy, for Chromium complains of reading what is being drawn on
    const copy = new (globalThis as any).OffscreenCanvas(canvas.width, canvas.height).getContext('2d', {
      willReadFrequently: true,
    });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const counts = { colourful: 0, red: 0 };
    for (let at = 0; at < data.length; at += 4) {
      const [red, green, blue, alpha] = data.slice(at, at + 4);
      if (alpha <= 128) continue;
      if (Math.max(red, green, blue) - Math.min(red, green, blue) > 60) counts.colourful++;
      if (red - Math.max(green, blue) > 60) counts.red++;
    }
    return counts;
  });
}

async function isDrawn(page: Page, metric: string): Promise<void> {
  await page.waitForSelector(`#charts .chart[aria-label="${metric}"] canvas`);
  await until(async () => (await pixelsOf(page, metric)).colourful >= 50);
}

async function assertNoOverflow(page: Page): Promise<void> {
  const [content, window] = await page.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]');
  assert.ok(content <= window, `${content} pixels in ${window}`);
}

test(
  'the page shows processes, one that is killed turns dead, and nothing leaves the host',
  needs('chromium'),
  async (t) => {
    const { serving: server, workers } = await watchedCluster(t);
    const { page, requests, complaints } = await openTab();
    await page.goto(`${server.url}/`);
    await page.getByRole('link', { name: 'Status' }).click();
    for (const { pid } of workers) await stateOf(page, pid).getByText('live').waitFor();
    assert.equal(await page.locator('#tile-live').textContent(), '2');

    const [victim, survivor] = workers;
    await victim.kill('SIGKILL');
    await stateOf(page, victim.pid).getByText('dead').waitFor();
    assert.equal(await page.locator('#tile-live').textContent(), '1');
    assert.equal(await page.locator('#tile-dead').textContent(), '1');
    assert.equal(await stateOf(page, survivor.pid).textContent(), 'live');
    assert.equal(await page.locator('#news').textContent(), `Died: process ${victim.pid}.`);

    assert.deepEqual(complaints, []);
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(`${server.url}/`)),
      [],
    );
  },
);

test(
  'a metric that is picked becomes a chart: rates, values by process, quantiles, a heatmap',
  needs('chromium'),
  async (t) => {
    const { serving: server, workers } = await watchedCluster(t);
    const { page, complaints } = await openTab();
    await page.goto(`${server.url}/status#chart=total/http_requests_total`);
    await isDrawn(page, 'http_requests_total');
    assert.equal(await page.locator('#charts .chart').count(), 1, 'the address says which charts there are');
    const rate = page.locator('#charts .chart .legend .value').first();
    assert.match(String(await rate.textContent()), /^[\d.]+( k)?\/s$/);

    await page.getByLabel('Lines of http_requests_total').selectOption('label:code');
    await page.locator('#charts .chart .legend .name[data-name="200"]').waitFor();

    await page.getByRole('button', { name: 'Chart of heap_used_bytes' }).click();
    await isDrawn(page, 'heap_used_bytes');
    const names = await page.locator('#charts .chart[aria-label="heap_used_bytes"] .legend .name').allTextContents();
    assert.deepEqual(names.toSorted(), workers.map(({ pid }) => String(pid)).toSorted());

    await page.getByRole('button', { name: 'Chart of http_request_duration_seconds' }).click();
    await isDrawn(page, 'http_request_duration_seconds');
    await page.locator('#charts .legend .name[data-name="p99"]').waitFor();
    await page.getByLabel('View of http_request_duration_seconds').selectOption('heatmap');
    await isDrawn(page, 'http_request_duration_seconds');

    await page.getByRole('button', { name: 'Chart of response_size_bytes' }).click();
    await isDrawn(page, 'response_size_bytes');
    assert.equal(await page.getByLabel('View of response_size_bytes').inputValue(), 'heatmap');
    const address = page.url();
    await page.reload();
    await isDrawn(page, 'heap_used_bytes');
    assert.equal(page.url(), address);
    assert.deepEqual(await page.locator('#charts .chart h3').allTextContents(), [
      'http_requests_total',
      'heap_used_bytes',
      'http_request_duration_seconds',
      'response_size_bytes',
    ]);
    assert.deepEqual(complaints, []);
  },
);

test('a page that is opened after an incident shows the incident', needs('chromium'), async (t) => {
  const { serving: server, workers } = await watchedCluster(t);
  const history = async (): Promise<any> => (await fetch(`${server.url}/status/history.json`)).json();
  const [victim, survivor] = workers;
  await until(async () => (await history()).workers.filter(({ memory }: any) => memory.some(Number)).length === 2);
  await victim.kill('SIGKILL');
  await until(async () => (await history()).marks.length > 0);

  const { page, complaints } = await openTab();
  await page.goto(`${server.url}/status`);
  const died = page.locator('#marks .died');
  await died.getByText(`${victim.pid} died`).waitFor();
  const names = page.locator('#worker-charts .chart[aria-label="Memory"] .legend .name');
  await names.getByText(String(victim.pid)).waitFor();
  await names.getByText(String(survivor.pid)).waitFor();
  // the dashed line in the colour of trouble
  await until(async () => (await pixelsOf(page, 'Memory')).red > 20);
  assert.deepEqual(complaints, []);
});

test('processes of two containers with the same pid are two lines', needs('chromium'), async (t) => {
  const { serving: server } = await watchedCluster(t, { workers: 1 });
  const { page } = await openTab();
  await page.route(/data\.json/, async (route) => {
    const response = await route.fetch();
    const status = (await response.json()) as DirectoryStatus;
    const elsewhere = status.processes.map((process) => ({ ...process, file: `elsewhere-${process.file}` }));
    await route.fulfill({ response, json: { ...status, processes: [...status.processes, ...elsewhere] } });
  });
  await page.goto(`${server.url}/status`);
  const names = page.locator('#worker-charts .chart[aria-label="Memory"] .legend .name');
  await names.nth(1).waitFor();
  const [one, other] = await names.allTextContents();
  assert.equal(one, other);
  await page.unrouteAll({ behavior: 'ignoreErrors' });
});

test('everything works from the keyboard', needs('chromium'), async (t) => {
  const { serving: server } = await watchedCluster(t, { workers: 1 });
  const { page } = await openTab();
  await page.goto(`${server.url}/status#chart=`);
  await page.locator('#families tbody tr').first().waitFor();

  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.className'), 'skip');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate('document.activeElement.id'), 'pause');
  await page.keyboard.press('Space');
  assert.equal(await page.locator('#pause').getAttribute('aria-pressed'), 'true');
  await page.keyboard.press('Space');

  await page.locator('#metric').focus();
  await page.keyboard.type('jobs_waiting');
  await page.keyboard.press('Enter');
  await isDrawn(page, 'jobs_waiting');

  const plot = page.locator('#charts .chart .plot');
  await plot.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  assert.match(String(await page.locator('#charts .legend .value').textContent()), /^\d+$/);

  const sort = page.locator('#families').getByRole('button', { name: 'Metric', exact: true });
  await sort.focus();
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#families th[aria-sort]').getAttribute('aria-sort'), 'ascending');
  const first = await page.locator('#families tbody .metric').allTextContents();
  assert.deepEqual(first, first.toSorted());

  // the focus stays where it is while the page goes on
  await page.getByRole('button', { name: 'Chart of jobs_waiting', exact: true }).focus();
  await page.waitForResponse(/data\.json/);
  await page.waitForResponse(/data\.json/);
  assert.equal(await page.evaluate('document.activeElement.getAttribute("aria-label")'), 'Chart of jobs_waiting');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#charts .chart').count(), 0);
});

test('what files say is text, whatever it says', needs('chromium'), async (t) => {
  const dir = join(withTempDir(t, { checkFiles: false }), '<b>bold');
  mkdirSync(dir, { mode: 0o700 });
  const { serving: server, workers } = await watchedCluster(t, { dir, workers: 1 });
  await workers[0].run(({ prom }, hostile) => {
    new prom.Counter({ name: 'hostile_total', help: hostile, labelNames: ['value'] }).inc({ value: hostile });
  }, HOSTILE);
  writeBareFile(dir, { pid: 999_999, hostName: HOSTILE });
  writeFileSync(join(dir, '12-0-00000000000000aa.prom-mp'), HOSTILE.repeat(200));

  const { page, complaints, requests } = await openTab();
  await page.goto(`${server.url}/status#chart=series/hostile_total&chart=/${encodeURIComponent(HOSTILE)}`);
  await page.locator('#families .help', { hasText: HOSTILE }).waitFor();
  await page.locator('#charts .legend .name', { hasText: 'onerror' }).waitFor();
  await page.locator('#processes td', { hasText: HOSTILE }).waitFor();
  await page.locator('#skipped-files td', { hasText: 'not a metrics file' }).waitFor();
  await page.locator('#charts .chart h3', { hasText: HOSTILE }).waitFor();
  assert.equal(await page.locator('#dir').textContent(), dir);
  assert.equal(await page.title(), 'prom-multiproc: status');
  assert.equal(await page.locator('img, b, main script').count(), 0);
  assert.deepEqual(complaints, []);
  assert.ok(requests.every((url) => url.startsWith(`${server.url}/status`)));
  await assertNoOverflow(page);
});

test(
  'a page without processes tells what to do, and shows the first one when it comes',
  needs('chromium'),
  async (t) => {
    const dir = withTempDir(t);
    const server = await servingDirectory(t, dir);
    const { page, complaints } = await openTab();
    await page.goto(`${server.url}/status`);
    await page.getByText(`PROMETHEUS_MULTIPROC_DIR=${dir}`).waitFor();
    assert.equal(await page.locator('#processes').isVisible(), false);
    assert.equal(await page.locator('#tile-series-note').textContent(), 'in 0 metrics');
    new DeadProcess(dir).count('jobs_total', {}, 1).die();
    await page.locator('#processes tbody tr').first().waitFor();
    assert.equal(await page.locator('#no-processes').isVisible(), false);
    assert.equal(await page.locator('#tile-series-note').textContent(), 'in 1 metric');
    assert.deepEqual(complaints, []);
  },
);

test(
  'a histogram in which nothing is observed says so, as quantiles and as a heatmap',
  needs('chromium'),
  async (t) => {
    const dir = withTempDir(t);
    new DeadProcess(dir).observe('job_seconds', [0.1, 1], 0.5).die();
    const { serving: server } = await watchedCluster(t, { dir, workers: 0 });
    const { page, complaints } = await openTab();
    await page.goto(`${server.url}/status`);
    const note = page.locator('#charts .chart[aria-label="job_seconds"] .note');
    await note.getByText('Nothing was observed in the time that is shown.').waitFor();
    await page.getByLabel('View of job_seconds').selectOption('heatmap');
    assert.equal(await note.textContent(), 'Nothing was observed in the time that is shown.');
    assert.deepEqual(complaints, []);
  },
);

test("a metric's share is of all series, and its bar stays in its column", needs('chromium'), async (t) => {
  const dir = withTempDir(t);
  // of the collector's own metrics some have more series than this one, which comes first
  new DeadProcess(dir).count('jobs_total', {}, 1).die();
  const { serving: server } = await watchedCluster(t, { dir, workers: 0 });
  const { page } = await openTab();
  await page.goto(`${server.url}/status`);
  await page.locator('#families tbody tr').first().waitFor();
  const shares = await page.evaluate<[number, number][]>(`
    [...document.querySelectorAll('#families .bar')].map((bar) => [
      bar.getBoundingClientRect().right - bar.parentElement.getBoundingClientRect().right,
      Number.parseFloat(bar.style.width),
    ])`);
  assert.ok(shares.length > 1);
  assert.ok(shares.every(([beyond]) => beyond <= 0));
  assert.ok(Math.abs(shares.reduce((sum, [, percent]) => sum + percent, 0) - 100) < 1);
});

test('it fits a phone and follows the system to dark colours', needs('chromium'), async (t) => {
  const { serving: server } = await watchedCluster(t);
  const address = `${server.url}/status#chart=/http_requests_total&chart=/http_request_duration_seconds`;
  const backgrounds = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    const { page, complaints } = await openTab({ viewport: { width: 360, height: 740 }, colorScheme });
    await page.goto(address);
    await isDrawn(page, 'http_requests_total');
    await page.locator('#processes tbody tr').first().waitFor();
    await assertNoOverflow(page);
    backgrounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    assert.deepEqual(complaints, []);
  }
  assert.deepEqual(backgrounds, ['rgb(246, 247, 249)', 'rgb(15, 18, 22)']);
});

test('where passwords are asked for, the page and its numbers ask too', needs('chromium'), async (t) => {
  const file = new WebConfigFile(withTempDir(t), `basic_auth_users:\n  alice: ${SECRET_HASH}\n`);
  const { serving: server } = await watchedCluster(t, { workers: 1, webConfigFile: file.path });
  const stranger = await openTab();
  for (const path of ['/status', '/status/data.json', '/status/page.mjs', '/status/uplot.js']) {
    assert.equal((await stranger.page.request.get(server.url + path)).status(), 401, path);
  }
  const { page, complaints } = await openTab({ httpCredentials: { username: 'alice', password: 'secret' } });
  await page.goto(`${server.url}/status`);
  await page.locator('#processes tbody tr').first().waitFor();
  assert.deepEqual(complaints, []);
});

test('the page tells when its server is gone, and goes on when it is back', needs('chromium'), async (t) => {
  const { serving: server, dir } = await watchedCluster(t, { workers: 1 });
  const { page } = await openTab();
  await page.goto(`${server.url}/status`);
  await page.locator('#processes tbody tr').first().waitFor();
  await server.close();
  await page.locator('#trouble', { hasText: 'No status' }).waitFor();
  await servingDirectory(t, dir, { port: server.port });
  await page.locator('#trouble:empty').waitFor({ state: 'attached' });
});
