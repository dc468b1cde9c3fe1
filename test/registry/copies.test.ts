/** The package loaded more than once in a process: a module registry that is reset (jest), two copies in node_modules. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, scrape, startCluster, written } from '../support/cluster.js';
import { withTempDir } from '../support/temp-dir.js';

test('copies count side by side, and every one shows what all have counted', async (t) => {
  const { workers } = await startCluster(t, withTempDir(t));
  const [worker, other] = workers;
  await other.run(({ prom }) => new prom.Counter({ name: 'c_total', help: 'C.' }).inc(100));
  await written();
  const shown = await worker.run(async ({ prom, require }) => {
    const copies = [prom];
    const root = require.resolve('prom-multiproc');
    while (copies.length < 3) {
      for (const path of Object.keys(require.cache)) {
        if (path.startsWith(root.replace(/root\.js$/, ''))) delete require.cache[path];
      }
      copies.push(require('prom-multiproc') as typeof prom);
    }
    copies.forEach(({ Counter, Gauge, Histogram }, at) => {
      new Counter({ name: 'c_total', help: 'C.' }).inc(at + 1);
      new Histogram({ name: 'h', help: 'H.', buckets: [1] }).observe(at);
      new Gauge({ name: 'g', help: 'G.', labelNames: ['copy'], multiprocessMode: 'liveall' }).set({ copy: at }, at);
    });
    // what jest's afterEach may do
    copies[0].register.clear();
    return Promise.all(copies.map(({ register }) => register.metrics()));
  });
  const pid = `pid="${worker.pid}"`;
  for (const text of shown.slice(1)) {
    assert.deepEqual(linesOf(text, 'c_total'), ['c_total 105']);
    assert.deepEqual(linesOf(text, 'h'), ['h_bucket{le="1"} 1', 'h_bucket{le="+Inf"} 2', 'h_sum 3', 'h_count 2']);
    assert.deepEqual(linesOf(text, 'g').toSorted(), [`g{copy="1",${pid}} 1`, `g{copy="2",${pid}} 2`]);
  }
  assert.deepEqual(linesOf(shown[0], 'c_total'), ['c_total 105']);
  assert.deepEqual(linesOf(await scrape(other), 'c_total'), ['c_total 105']);
});
