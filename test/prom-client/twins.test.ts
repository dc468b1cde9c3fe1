/**
 * Programs that aggregate by hand, as prom-client's users had to: they print the same with prom-client, with this package
 * in its place by the preload hook, and with this package by name.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { registerPath } from 'prom-multiproc';
import { startProgram } from '../support/program.js';

interface Twin {
  readonly file: string;
  readonly args?: readonly string[];
  readonly prints: readonly string[];
}

const AGGREGATED: Twin = {
  file: 'json-aggregate',
  prints: [
    'busy 7',
    'job_seconds_bucket{le="+Inf"} 3',
    'job_seconds_bucket{le="1"} 0',
    'job_seconds_bucket{le="5"} 3',
    'job_seconds_count 3',
    'job_seconds_sum 6',
    'jobs_total{kind="a"} 30',
    'load 7',
  ],
};

const TWINS: Readonly<Record<string, Twin>> = {
  'cluster workers hand getMetricsAsJSON() to the primary, which aggregates': AGGREGATED,
  'worker threads hand getMetricsAsJSON() to the main thread, which aggregates': { ...AGGREGATED, args: ['threads'] },
};

const CLIENTS = {
  'prom-client': { flags: [], env: {} },
  'the preload hook': { flags: ['--import', registerPath()], env: {} },
  'this package by name': { flags: [], env: { CLIENT: 'prom-multiproc' } },
};

for (const [what, { file, args = [], prints }] of Object.entries(TWINS)) {
  for (const [name, { flags, env }] of Object.entries(CLIENTS)) {
    test(`${what}: right with ${name}`, async (t) => {
      const path = join(__dirname, 'programs', `${file}.js`);
      const program = startProgram(t, process.execPath, [...flags, path, ...args], env);
      assert.equal(await program.ended(), 0, program.output());
      assert.deepEqual(program.output().trimEnd().split('\n'), prints);
    });
  }
}
