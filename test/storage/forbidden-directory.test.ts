/** A directory that the process may not make. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { nodeRelease } from '../support/node-release.js';
import { DIST, startProgram } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const APP = `
const { Counter, register } = require(${JSON.stringify(join(DIST, 'src', 'root.js'))});
new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc();
register.metrics().then((text) => console.log(/^jobs_total .*/m.exec(text)?.[0]));
`;

test('a process that may not make the directory logs one line that names it, and shows its own counts', async (t) => {
  const dir = join(withTempDir(t), 'metrics');
  const [major] = process.versions.node.split('.').map(Number);
  const releases = [
    [process.execPath, major < 23 ? '--experimental-permission' : '--permission'],
    [await nodeRelease(24), '--permission'],
  ];
  for (const [node, permission] of releases) {
    const args = [permission, '--allow-fs-read=*', '--eval', APP];
    const program = startProgram(t, node, args, { PROMETHEUS_MULTIPROC_DIR: dir });
    assert.equal(await program.ended(), 0, program.output());
    const lines = program.output().split('\n');
    assert.ok(lines.includes('jobs_total 1'), program.output());
    const logged = lines.filter((line) => line.startsWith('prom-multiproc: '));
    assert.equal(logged.length, 1, program.output());
    assert.match(
      logged[0],
      /^prom-multiproc: metrics are counted in memory, not in ".*metrics": .*FileSystemWrite of ".*metrics"/,
    );
  }
});
