/** The tests of an application install fake timers (jest's, sinon's, node's own) before the package is used, or after. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startMember } from '../support/cluster.js';
import { withTempDir } from '../support/temp-dir.js';

/** Too many to be read within one time slice of the collector, and too few for a thread to read them. */
const MANY_SERIES = 5000;

for (const installed of ['before', 'after'] as const) {
  for (const where of ['in one process', 'merged from files'] as const) {
    test(`metrics ${where} are read under fake timers that were installed ${installed} they were made`, async (t) => {
      const dir = where === 'in one process' ? undefined : withTempDir(t);
      const member = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir });
      const { young, old } = await member.run(
        async ({ prom, require }, when: string, series: number) => {
          const { mock } = require('node:test') as typeof import('node:test');
          const start = 1_700_000_000_000;
          const install = (): void =>
            mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'setImmediate', 'Date'], now: start });
          if (when === 'before') install();
          const { Gauge, Summary, register } = prom;
          const config = { maxAgeSeconds: 60, ageBuckets: 6, percentiles: [0.5] };
          const summary = new Summary({ name: 'latency', help: 'L.', ...config });
          const now = new Gauge({ name: 'now', help: 'N.' });
          const many = new Gauge({ name: 'many', help: 'M.', labelNames: ['n'] });
          for (let at = 0; at < series; at++) many.labels(at).set(at);
          if (when === 'after') install();
          const shown = async (): Promise<string[]> =>
            (await register.metrics()).split('\n').filter((line) => /^(latency|now |many\{n="7"\})/.test(line));
          summary.observe(8);
          mock.timers.tick(20_000);
          now.setToCurrentTime();
          const first = await shown();
          mock.timers.tick(100_000);
          return { young: first.toSorted(), old: (await shown()).toSorted() };
        },
        installed,
        MANY_SERIES,
      );
      assert.equal(young.length, 5);
      const quantile = young.findIndex((line) => line.startsWith('latency{'));
      assert.deepEqual(young.toSpliced(quantile, 1), [
        'latency_count 1',
        'latency_sum 8',
        'many{n="7"} 7',
        'now 1700000020',
      ]);
      assert.deepEqual(old, young.with(quantile, 'latency{quantile="0.5"} 0'));
      assert.notDeepEqual(old, young);
    });
  }
}
