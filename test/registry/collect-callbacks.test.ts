import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Counter, Gauge, Registry } from 'prom-multiproc';
import { runCollectCallbacks } from '../../src/registry/collect-callbacks.js';

function silenceConsole(t: TestContext): () => unknown[][] {
  const warn = t.mock.method(console, 'warn', () => {});
  return () => warn.mock.calls.map((call) => call.arguments);
}

describe('collect()', () => {
  it('that throws or rejects affects only its own metric, and is logged once', async (t) => {
    const warned = silenceConsole(t);
    const registers = [new Registry()];
    new Gauge({ name: 'thrower', help: 'T.', registers, collect: () => assert.fail('out of order') }).set(1);
    const rejecting = async (): Promise<void> => Promise.reject(new Error('not now'));
    new Gauge({ name: 'rejecter', help: 'R.', registers, collect: rejecting }).set(1);
    new Counter({ name: 'fine_total', help: 'F.', registers }).inc();
    for (let scrape = 0; scrape < 3; scrape++) {
      assert.equal(await registers[0].metrics(), '# HELP fine_total F.\n# TYPE fine_total counter\nfine_total 1\n');
    }
    assert.equal(warned().length, 2);
    assert.match(String(warned()[0]), /collect\(\) of the metric thrower failed: .*out of order/);
    registers[0].clear();
  });

  it('runs for every metric that merged output shows', async () => {
    const collected: string[] = [];
    const [shared, local] = [{ name: 'shared' }, { multiprocess: false }].map(
      (options) => new Registry(undefined, options),
    );
    for (const [name, registry] of [
      ['one', shared],
      ['two', shared],
      ['three', local],
    ] as const) {
      const gauge = new Gauge({ name, help: 'G.', registers: [registry], collect: () => void collected.push(name) });
      gauge.set(1);
    }
    await runCollectCallbacks();
    assert.deepEqual(collected, ['one', 'two']);
    shared.clear();
    await runCollectCallbacks();
    assert.deepEqual(collected, ['one', 'two']);
    await runCollectCallbacks([local]);
    assert.deepEqual(collected, ['one', 'two', 'three']);
  });

  it('never overlaps with itself: a later caller waits for the run in progress', async () => {
    const registry = new Registry();
    let running = 0;
    let most = 0;
    let runs = 0;
    const gauge = new Gauge({
      name: 'slow',
      help: 'S.',
      registers: [registry],
      async collect() {
        runs++;
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 20));
        running--;
        gauge.set(runs);
      },
    });
    const texts = await Promise.all([registry.metrics(), registry.metrics(), runCollectCallbacks()]);
    assert.equal(most, 1);
    assert.equal(runs, 1);
    assert.match(texts[0], /^slow 1$/m);
    assert.equal(texts[1], texts[0]);
    await registry.metrics();
    assert.equal(runs, 2);
    registry.clear();
  });

  it('that never ends does not block a scrape for ever', async (t) => {
    const warned = silenceConsole(t);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const registry = new Registry();
    new Gauge({ name: 'hanging', help: 'H.', registers: [registry], collect: () => new Promise(() => {}) }).set(1);
    new Counter({ name: 'fine_total', help: 'F.', registers: [registry] }).inc();
    for (let scrape = 0; scrape < 2; scrape++) {
      const text = registry.metrics();
      t.mock.timers.tick(5000);
      assert.match(await text, /^# HELP fine_total F\.\n# TYPE fine_total counter\nfine_total 1\n$/);
    }
    assert.match(String(warned()), /hanging failed: .*within 5000 ms/);
    registry.clear();
  });
});
