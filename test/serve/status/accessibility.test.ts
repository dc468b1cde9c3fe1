/** The status page with a keyboard, a screen reader and little contrast. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Page } from 'playwright-core';
import { openTab } from '../../support/browser.js';
import { DeadProcess } from '../../support/dead-process.js';
import { needs } from '../../support/needs.js';
import { withTempDir } from '../../support/temp-dir.js';
import { servingDirectory } from '../serving.js';
import { counter } from '../../support/declarations.js';
import { addTo, attach, createFile } from '../../support/written-file.js';

const VITALS = { cpuShare: 0.1, residentBytes: 6e7, loopLagSeconds: 0.4, gcShare: 0.01, restarts: 2 };

/** The page with a living process, one that has ended, and charts. `beat` sets the vitals of the living one. */
async function statusPage(
  t: TestContext,
  colorScheme: 'light' | 'dark' = 'light',
): Promise<{ page: Page; beat: (vitals: typeof VITALS) => void }> {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('jobs_total', { queue: 'mail' }, 1).die();
  const { store, writer } = createFile(dir, { identity: { pid: 4_200_001, startedAt: Date.now() / 1000 - 60 } });
  addTo(attach(store, store.declare(counter('http_requests_total', ['code']), ['default']), ['200']), 5);
  writer.beat(VITALS);
  const { url } = await servingDirectory(t, dir);
  const { page } = await openTab({ colorScheme });
  await page.goto(`${url}/status`);
  await page.getByRole('rowheader', { name: '4200001' }).waitFor();
  return { page, beat: (vitals) => writer.beat(vitals) };
}

/** The roles that a reader can stop at. */
const NAMED_ROLES = new Set([
  'button',
  'link',
  'searchbox',
  'textbox',
  'combobox',
  'img',
  'image',
  'table',
  'region',
  'heading',
  'columnheader',
  'rowheader',
]);

test(
  'everything that a screen reader stops at has a name, and the verdict is a heading that it hears of',
  needs('chromium'),
  async (t) => {
    const { page } = await statusPage(t);
    await page.getByRole('heading', { level: 2, name: '1 problem', exact: true }).waitFor();
    await page.getByRole('link', { name: 'the event loop of process 4200001 stood still for 400 ms' }).waitFor();
    await page.locator('#verdict-heading [aria-live="polite"]').waitFor();
    for (const name of ['CPU', 'Memory', 'Event loop lag']) {
      await page.getByRole('img', { name: `Chart of ${name}; the arrow keys move through time` }).waitFor();
    }
    for (const name of ['PID', 'CPU', 'Lag', '5xx']) {
      await page.locator('#processes').getByRole('columnheader', { name, exact: true }).waitFor();
    }
    const session = await page.context().newCDPSession(page);
    const { nodes } = await session.send('Accessibility.getFullAXTree');
    const unnamed = nodes.filter(
      ({ ignored, role, name }) =>
        !ignored && NAMED_ROLES.has(String(role?.value)) && !String(name?.value ?? '').trim(),
    );
    assert.deepEqual(
      unnamed.map(({ role }) => role?.value),
      [],
    );
    assert.ok(nodes.length > 200, `${nodes.length} nodes`);
  },
);

test(
  'the Tab key reaches every control in the order of the page, and a finding leads to its process',
  needs('chromium'),
  async (t) => {
    const { page } = await statusPage(t);
    await page.getByRole('button', { name: 'Chart of http_requests_total' }).waitFor();
    const reached: string[] = [];
    for (let press = 0; press < 60; press++) {
      await page.keyboard.press('Tab');
      const at = await page.evaluate<string>(
        '(() => { const at = document.activeElement; return at.closest("section, header, body").id + " " + (at.id || at.getAttribute("aria-label") || at.textContent); })()',
      );
      if (reached.includes(at)) break;
      reached.push(at);
    }
    const place = (text: string): number => reached.findIndex((each) => each.includes(text));
    const expected = [
      'Skip to',
      'pause',
      'Home',
      'the event loop of',
      'Table of processes',
      'Chart of CPU',
      'metric',
      'family-filter',
      'Table of metrics',
    ];
    const places = expected.map(place);
    assert.ok(!places.includes(-1), JSON.stringify(expected.filter((_, at) => places[at] === -1)));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );

    await page.getByRole('link', { name: 'the event loop of process 4200001' }).focus();
    // the element stays while its finding does, and so the focus
    await page.waitForResponse(/data\.json/);
    await page.waitForResponse(/data\.json/);
    await page.keyboard.press('Enter');
    assert.equal(await page.locator('tr.found th').textContent(), '4200001');
  },
);

test('a finding that is over stays for a while in grey, and the verdict is healthy', needs('chromium'), async (t) => {
  const { page, beat } = await statusPage(t);
  await page.getByRole('heading', { name: '1 problem', exact: true }).waitFor();
  assert.equal(await page.locator('.alarming #tile-lag').textContent(), '400 ms');
  beat({ ...VITALS, loopLagSeconds: 0.01 });
  await page.getByRole('heading', { name: 'Healthy', exact: true }).waitFor();
  const [text] = await page.locator('#findings li.over').allTextContents();
  assert.match(text, /^\d+ s ago: the event loop of process 4200001 stood still for 400 ms$/);
  assert.equal(await page.locator('.alarming').count(), 0, 'red is trouble');
  beat(VITALS);
  await page.getByRole('heading', { name: '1 problem', exact: true }).waitFor();
  assert.equal(await page.locator('#findings li').count(), 1);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the texts have the contrast of WCAG AA in ${colorScheme} colours`, needs('chromium'), async (t) => {
    const { page } = await statusPage(t, colorScheme);
    const ratios = await page.evaluate<Record<string, number>>(`(() => {
      const style = getComputedStyle(document.documentElement);
      const channel = (value) => (value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      const luminance = (name) => {
        const context = new OffscreenCanvas(1, 1).getContext('2d');
        context.fillStyle = style.getPropertyValue(name);
        context.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...context.getImageData(0, 0, 1, 1).data].map((value) => channel(value / 255));
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const ratios = {};
      for (const text of ['--text', '--muted', '--live', '--dead', '--perhaps']) {
        for (const background of ['--card', '--page']) {
          const [light, dark] = [luminance(text), luminance(background)].toSorted((a, b) => b - a);
          ratios[text + ' on ' + background] = (light + 0.05) / (dark + 0.05);
        }
      }
      return ratios;
    })()`);
    const low = Object.entries(ratios).filter(([, ratio]) => ratio < 4.5);
    assert.deepEqual(low, []);
  });
}
