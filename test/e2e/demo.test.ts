import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { afterTest } from '../support/after-test.js';
import { assertSound } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { ask } from '../support/http-request.js';
import { freePort, startExample } from '../support/program.js';
import { checkMetrics } from '../support/promtool.js';
import { needs } from '../support/needs.js';

test(
  "the demo's totals do not fall when it kills a worker, and promtool accepts its metrics",
  needs('prometheus'),
  async (t) => {
    const [appPort, metricsPort] = [await freePort(), await freePort()];
    const demo = startExample(t, 'demo/primary.js', ['--seconds', '6'], {
      PROMETHEUS_MULTIPROC_DIR: undefined,
      APP_PORT: `${appPort}`,
      METRICS_PORT: `${metricsPort}`,
    });
    const { child } = demo;
    const [, dir] = await demo.printed(/counting into (\S+)/);
    afterTest(t, () => rmSync(dir, { recursive: true, force: true }));
    const url = `http://127.0.0.1:${metricsPort}/metrics`;
    const totals: number[] = [];
    let last = '';
    while (child.exitCode === null && child.signalCode === null) {
      await delay(100);
      const text = await ask(url).then(
        (answer) => answer.text,
        () => '',
      );
      if (text === '') continue; // before it listens, and after it closed
      last = text;
      totals.push(ordersOf(text));
    }
    assert.equal(await demo.ended(), 0, demo.output());
    const output = demo.output();
    const printed = [...output.matchAll(/^orders_total +(\d+)/gm)].map(([, total]) => Number(total));
    for (const each of [totals, printed]) {
      assert.deepEqual(
        each,
        each.toSorted((a, b) => a - b),
      );
    }
    assert.ok(totals.at(-1)! > totals[0], output);
    const [, victim, before, after] =
      /killed worker (\d+) with SIGKILL: orders_total was (\d+), is (\d+)/.exec(output) ?? [];
    assert.ok(Number(after) >= Number(before) && Number(before) > 0, output);

    assertSound(last);
    assert.deepEqual(checkMetrics(last), { parses: true, problems: [] });
    const { samples } = parseExposition(last);
    const started = samples.filter(({ name }) => name === 'worker_started_seconds').map(({ labels }) => labels.pid);
    // the successor of the killed worker may still be starting
    assert.ok(started.length >= 3);
    assert.ok(!started.includes(victim));
    assert.ok(
      samples.some(({ name, value }) => name === 'order_duration_seconds_count' && value >= totals.at(-1)! - 10),
    );
  },
);

function ordersOf(text: string): number {
  const { samples } = parseExposition(text);
  return samples.filter(({ name }) => name === 'orders_total').reduce((sum, { value }) => sum + value, 0);
}
