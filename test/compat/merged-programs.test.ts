/**
 * Programs have the same effects on the metrics of a process and on merged output: the way through a file changes nothing.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import * as promMultiproc from 'prom-multiproc';
import { afterTest } from '../support/after-test.js';
import { dataFiles } from '../support/cluster-files.js';
import { withTempDir } from '../support/temp-dir.js';
import { run } from './interpreter.js';
import { program, type Step } from './program.js';
import { type Client, transcript } from './script.js';

/** The long form: `PROGRAM_RUNS=5000 node --test dist/test/compat/merged-programs.test.js`. */
const RUNS = Number(process.env.PROGRAM_RUNS ?? 100);
/** The short form runs the same programs every time, so that it never fails by chance; the long form finds new failures. */
const SEED = process.env.PROGRAM_RUNS === undefined ? 1 : Date.now();

/** The registries of the current program. */
const inUse: promMultiproc.Registry<any>[] = [];
let compared = 0;
/** Stored here, because the program continues after errors. */
const mismatches: unknown[] = [];

class ComparedRegistry extends promMultiproc.Registry<any> {
  constructor() {
    super(undefined, { name: `compared-${inUse.length}` });
    inUse.push(this);
  }

  override async metrics(): Promise<string> {
    const merged = await super.metrics();
    const local = await super.metrics({ scope: 'process' });
    try {
      assert.deepEqual(linesOf(merged), linesOf(local));
    } catch (error) {
      mismatches.push(error);
    }
    compared++;
    return local;
  }
}

/**
 * Returns sorted lines, because merged output has its own order; and without empty labels, which merged output leaves out.
 */
function linesOf(text: string): string[] {
  const ordered = text.replaceAll(/\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\}/g, (_all, labels: string) => {
    const pairs = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)+"/g)].map(([pair]) => pair);
    return `{${pairs.toSorted((a, b) => (a < b ? -1 : 1)).join(',')}}`;
  });
  return ordered
    .replaceAll('{}', '')
    .split('\n')
    .filter((line) => line !== '')
    .toSorted((a, b) => (a < b ? -1 : 1));
}

/**
 * Returns the step in a form for the comparison: without effects that happen at each read, since there are two reads; with
 * one registry per metric, because a metric in several gets the default labels of all; and shown, whatever its aggregator
 * is.
 */
function comparable(step: Step): Step[] {
  if ('wait' in step || 'register' in step || 'aggregate' in step || 'merge' in step) return [];
  if (!('make' in step)) return [step];
  const { collect: _, pruneAgedBuckets: __, aggregator, registers = [0], ...config } = step.config;
  const shown = aggregator === 'omit' ? {} : { aggregator };
  return [{ ...step, config: { ...config, ...shown, registers: registers.slice(0, 1) } }];
}

it('programs have the same counts in merged output as in the process', async (t) => {
  const dir = withTempDir(t);
  process.env.PROMETHEUS_MULTIPROC_DIR = dir;
  afterTest(t, () => {
    delete process.env.PROMETHEUS_MULTIPROC_DIR;
  });
  const assertSame = async (steps: readonly Step[]): Promise<void> => {
    const client = {
      ...promMultiproc,
      Registry: ComparedRegistry,
      register: new ComparedRegistry(),
    } as unknown as Client;
    try {
      await transcript(client, (stage) => run(stage, steps.flatMap(comparable)));
    } finally {
      for (const registry of inUse.splice(0)) registry.clear();
    }
    const [mismatch] = mismatches.splice(0);
    if (mismatch !== undefined) throw mismatch;
  };
  await fc.assert(fc.asyncProperty(program, assertSame), { numRuns: RUNS, seed: SEED });
  assert.ok(compared >= 3 * RUNS);
  assert.equal(dataFiles(dir, process.pid).length, 1);
});
