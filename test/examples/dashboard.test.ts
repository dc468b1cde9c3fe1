/**
 * The dashboard's panels from a real Prometheus. The picture of the guide is drawn by
 * `DASHBOARD_PICTURE=examples/pictures/dashboard.png node dist/test/examples/dashboard.test.js`, which takes three minutes.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { openTab } from '../support/browser.js';
import { forkProgram } from '../support/forked-program.js';
import { needs } from '../support/needs.js';
import { DIST, until } from '../support/program.js';
import { startPrometheus } from '../support/prometheus.js';
import { withTempDir } from '../support/temp-dir.js';
import { drawPanels, type Panel, valuesOf } from './dashboard-picture.js';

const { DASHBOARD_PICTURE } = process.env;
const [STEP_SECONDS, RATE, SHOWN_SECONDS] = DASHBOARD_PICTURE === undefined ? [0.5, '3s', 5] : [2, '12s', 170];
/** Panels of trouble, of which there is none here. */
const EMPTY = ['Dropped samples'];

test(
  'every panel of the dashboard shows the values of a real application, by a real Prometheus',
  needs('prometheus', 'chromium'),
  async (t) => {
    const dir = withTempDir(t);
    const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
    const url = await forkProgram(t, 'examples/programs/dashboard-app', [], { env }).nextMessage<string>();
    const prometheus = await startPrometheus(t, withTempDir(t), {
      global: { scrape_interval: `${STEP_SECONDS * 1000}ms`, scrape_timeout: `${STEP_SECONDS * 1000}ms` },
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: [new URL(url).host] }] }],
    });
    await until(async () => (await prometheus.query('sum(rate(http_requests_total[3s]))')).length > 0);
    await delay(DASHBOARD_PICTURE === undefined ? 0 : SHOWN_SECONDS * 1000);

    const file = join(DIST, '..', 'examples', 'monitoring', 'dashboard.json');
    const { panels } = JSON.parse(readFileSync(file, 'utf8')) as { panels: Panel[] };
    const drawn = await until(async () => {
      const end = Math.floor(Date.now() / 1000);
      const range = { start: end - SHOWN_SECONDS, end, step: STEP_SECONDS };
      const found = await Promise.all(panels.map((panel) => valuesOf(panel, prometheus.url, range, RATE)));
      const empty = found.filter(({ title, lines }) => lines.length === 0 && !EMPTY.includes(title));
      return empty.length === 0 && found;
    });

    const { page, complaints } = await openTab({ viewport: { width: 1280, height: 900 } });
    const caption =
      'Drawn by this package’s test from the answers of Prometheus to the queries of dashboard.json; Grafana draws them in its own style.';
    const height = await drawPanels(page, drawn, caption);
    assert.equal(await page.locator('section').count(), panels.length);
    assert.equal(await page.locator('canvas').count(), panels.length - EMPTY.length);
    await page.setViewportSize({ width: 1280, height });
    await page.screenshot({ path: DASHBOARD_PICTURE });
    assert.deepEqual(complaints, []);
  },
);
