/**
 * Pictures of the page with 0, 4 and 200 processes. Those of the guide are drawn by
 * `STATUS_PICTURES=examples/pictures node dist/test/serve/status/pictures.test.js`, which takes three minutes.
 */
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrowserContextOptions } from 'playwright-core';
import { afterTest } from '../../support/after-test.js';
import { openTab } from '../../support/browser.js';
import { forkProgram } from '../../support/forked-program.js';
import { needs } from '../../support/needs.js';
import { withTempDir } from '../../support/temp-dir.js';
import { servingDirectory } from '../serving.js';

/** The folder for the pictures; without it they are drawn sooner, and not kept. */
const { STATUS_PICTURES } = process.env;
/** The page shows the directory. */
const SHOWN_DIR = '/run/app-metrics';
/** The workers have a history then: one has leaked for that long. */
const HISTORY_MS = 50_000;
const KILL_AFTER_SECONDS = 38;

interface Look extends BrowserContextOptions {
  readonly name: string;
}

const DESKTOP = { viewport: { width: 1280, height: 900 } };
const PHONE = { viewport: { width: 375, height: 740 } };
const LONG_PHONE = { viewport: { width: 375, height: 2100 } };
const LOOKS: Readonly<Record<number, readonly Look[]>> = Object.fromEntries(
  [0, 4, 200].map((processes) => [
    processes,
    Object.entries({ desktop: DESKTOP, phone: processes === 4 ? LONG_PHONE : PHONE }).flatMap(([form, size]) =>
      (['light', 'dark'] as const).map((colorScheme) => ({
        name: `status-${processes}-${form}-${colorScheme}`,
        ...size,
        colorScheme,
      })),
    ),
  ]),
);

function directory(t: TestContext): string {
  if (STATUS_PICTURES === undefined) return withTempDir(t);
  mkdirSync(SHOWN_DIR);
  afterTest(t, () => rmSync(SHOWN_DIR, { recursive: true }));
  return SHOWN_DIR;
}

/** Each form in one colour scheme is enough to see whether the page fits. */
const isLookedAt = ({ name }: Look): boolean =>
  STATUS_PICTURES !== undefined || name.endsWith('phone-dark') || name.endsWith('desktop-light');

for (const [processes, looks] of Object.entries(LOOKS)) {
  test(
    `the page fits a phone and a desktop with ${processes} processes, light and dark`,
    needs('chromium'),
    async (t) => {
      const dir = directory(t);
      if (processes !== '0') {
        const kill = STATUS_PICTURES === undefined ? 1 : KILL_AFTER_SECONDS;
        const args = [processes, String(kill)];
        const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
        await forkProgram(t, 'serve/status/programs/pictured-workers', args, { env }).nextMessage();
      }
      const { url } = await servingDirectory(t, dir);
      if (STATUS_PICTURES !== undefined && processes !== '0') await delay(HISTORY_MS);
      for (const { name, ...options } of looks.filter(isLookedAt)) {
        const { page, complaints } = await openTab(options);
        await page.goto(`${url}/status`);
        await page
          .getByRole('heading', { name: processes === '0' ? 'Nothing to show yet' : /problem|Healthy/ })
          .waitFor();
        // the second update, and the one after that
        for (let update = 0; update < (STATUS_PICTURES === undefined ? 1 : 3); update++) {
          await page.waitForResponse(/data\.json/);
        }
        const [content, window] = await page.evaluate<number[]>('[document.documentElement.scrollWidth, innerWidth]');
        assert.ok(content <= window, `${name}: ${content} pixels in ${window}`);
        const cut = await page.evaluate<string[]>(
          '[...document.querySelectorAll(".scroll")].filter((each) => each.scrollWidth > each.clientWidth).map((each) => each.ariaLabel)',
        );
        assert.deepEqual(cut, [], `${name} cuts no column`);
        const path = STATUS_PICTURES === undefined ? undefined : join(STATUS_PICTURES, `${name}.png`);
        await page.screenshot({ path });
        if (path !== undefined) assert.ok(statSync(path).size < 250_000, `${name} is too large for a guide`);
        assert.deepEqual(complaints, []);
        await page.context().close();
      }
    },
  );
}
