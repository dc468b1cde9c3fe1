import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as promClient from 'prom-client';
import * as promMultiproc from 'prom-multiproc';
import { run } from './interpreter.js';
import { program, type Step } from './program.js';
import { transcript } from './script.js';

/** The long form: `PROGRAM_RUNS=50000 node --test dist/test/compat/programs.test.js`. */
const RUNS = Number(process.env.PROGRAM_RUNS ?? 400);
/** The short form runs the same programs every time, so that it never fails by chance; the long form finds new failures. */
const SEED = process.env.PROGRAM_RUNS === undefined ? 1 : Date.now();

async function assertSame(steps: readonly Step[]): Promise<void> {
  const theirs = await transcript(promClient, (stage) => run(stage, steps));
  const ours = await transcript(promMultiproc, (stage) => run(stage, steps));
  assert.deepEqual(ours, theirs);
}

/** Failures that the long form has found, shrunk. */
const FOUND: Readonly<Record<string, readonly Step[]>> = {
  'a summary is pruned after its asynchronous collect(), not before': [
    {
      make: 'Summary',
      as: 0,
      config: {
        name: 'a',
        help: 'A.',
        maxAgeSeconds: 600,
        ageBuckets: 1,
        pruneAgedBuckets: true,
        collect: { value: 0, later: true },
      },
    },
    { ask: 'metrics', of: 0, args: [] },
    { wait: 1200 },
    { ask: 'metrics', of: 0, args: [] },
  ],
  'dec() looks at its value before its labels, as inc() does': [
    { make: 'Gauge', as: 0, config: { name: 'a', help: 'A.' } },
    { call: 'dec', of: 0, args: [{ y: 'p' }, 5n] },
    { call: 'inc', of: 0, args: [{ y: 'p' }, 5n] },
  ],
};

describe('Programs, as in prom-client', () => {
  it('have the same results, except for the deliberate differences', async () => {
    await fc.assert(fc.asyncProperty(program, assertSame), { numRuns: RUNS, seed: SEED });
  });

  for (const [name, steps] of Object.entries(FOUND)) it(name, () => assertSame(steps));
});
