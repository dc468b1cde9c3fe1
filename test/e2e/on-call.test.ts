/** Somebody is woken up: which worker is it? */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Locator } from 'playwright-core';
import { startCluster } from '../support/cluster.js';
import { openTab } from '../support/browser.js';
import { needs } from '../support/needs.js';
import { startCli } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { servingDirectory } from '../serve/serving.js';

/** Two heartbeats. */
const WITHIN_MS = 10_000;

test(
  'of four workers one has a busy loop, one leaks, one is killed: the page and top name each within 10 s',
  needs('chromium'),
  async (t) => {
    const dir = withTempDir(t);
    const { workers } = await startCluster(t, dir, 4);
    for (const worker of workers) {
      await worker.run(({ prom }) => new prom.Counter({ name: 'jobs_total', help: 'Jobs' }).inc());
    }
    const { url } = await servingDirectory(t, dir);
    const { page, complaints } = await openTab();
    await page.goto(`${url}/status`);
    const top = startCli(t, ['top', '--dir', dir, '--interval', '0.5']);
    for (const { pid } of workers) {
      await page.locator('#processes tbody tr', { hasText: String(pid) }).waitFor();
      await top.printed(new RegExp(`^[! ] +${pid} `, 'm'));
    }

    const [busy, leaking, killed, well] = workers;
    const troubledAt = Date.now();
    await busy.run(({ kept }) => {
      kept.timer = setInterval(() => {
        const end = Date.now() + 300;
        while (Date.now() < end);
      }, 400);
    });
    await leaking.run(({ kept }) => void (kept.leak = Buffer.alloc(200 * 1024 * 1024, 1)));
    await killed.kill('SIGKILL');

    const findings: readonly (readonly [number, string])[] = [
      [busy.pid, `the event loop of process ${busy.pid} stood still for [\\d.]+ m?s`],
      [leaking.pid, `process ${leaking.pid} holds \\d+ MiB of memory, where the others hold about \\d+ MiB`],
      [killed.pid, `process ${killed.pid} was killed or crashed: its last beat was \\d+ s ago`],
    ];
    const took: Record<string, number> = {};
    const named = async (reader: string, seen: Promise<unknown>): Promise<void> => {
      await seen;
      took[reader] = Date.now() - troubledAt;
    };
    await Promise.all(
      findings.flatMap(([pid, text]) => [
        named(
          `page ${pid}`,
          page
            .locator('#findings li')
            .getByRole('link', { name: new RegExp(`^${text}$`) })
            .waitFor(),
        ),
        named(`top ${pid}`, top.printed(new RegExp(`^(?:bad|warning): ${text}$`, 'm'))),
        named(`top's row of ${pid}`, top.printed(new RegExp(`^! +${pid} `, 'm'))),
      ]),
    );
    assert.ok(
      Object.values(took).every((ms) => ms < WITHIN_MS),
      JSON.stringify(took),
    );

    const row = (pid: number): Locator => page.locator('#processes tbody tr', { hasText: String(pid) });
    for (const [pid] of findings) assert.match((await row(pid).getAttribute('class')) ?? '', /\bnamed\b/);
    // other programs on the machine may hold up its event loop, as any
    const ofWell = await page.locator('#findings li', { hasText: String(well.pid) }).allTextContents();
    assert.deepEqual(
      ofWell.filter((text) => !text.includes('the event loop of')),
      [],
      'the fourth is well',
    );
    assert.equal(
      await page
        .locator('#marks .died')
        .textContent()
        .then((text) => text?.split(' ').at(-2)),
      String(killed.pid),
    );
    await page.getByRole('link', { name: `process ${leaking.pid} holds` }).click();
    assert.match((await row(leaking.pid).getAttribute('class')) ?? '', /\bfound\b/, 'the link leads to the row');
    assert.deepEqual(complaints, []);
  },
);
