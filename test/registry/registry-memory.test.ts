/** The memory of a registry per request: probes of many targets make thousands of registries. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { startProgram } from '../support/program.js';

/** Prints the bytes of a registry whose only metric is a gauge without labels. */
const PROGRAM = `
  const { Registry, Gauge } = require(process.argv[1]);
  const probe = () => {
    const registry = new Registry();
    new Gauge({ name: 'probe_success', help: 'P.', registers: [registry] }).set(1);
    return registry;
  };
  setTimeout(() => {
    for (let at = 0; at < 200; at++) probe();
    const used = () => {
      gc();
      gc();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = used();
    const kept = Array.from({ length: 5000 }, probe);
    console.log(Math.round((used() - before) / kept.length));
  });
`;

test('a registry with a gauge takes at most 3 KB', async (t) => {
  const root = join(__dirname, '..', '..', 'src', 'root.js');
  const program = startProgram(t, process.execPath, ['--expose-gc', '-e', PROGRAM, root]);
  assert.equal(await program.ended(), 0, program.output());
  const bytes = Number(program.output());
  // 2.3 KB; prom-client's takes 0.6 KB
  assert.ok(bytes > 0 && bytes < 3072, `${bytes} bytes`);
});
