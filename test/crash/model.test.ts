/**
 * Random histories of processes, compared with a model of a few lines: fork, count, observe, set, remove, SIGKILL, mark,
 * fold, scrape, in any order. MODEL_RUNS=50 is the long form; shrunk counterexamples of fast-check are fixed cases below.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { markProcessDead, MultiprocessCollector } from 'prom-multiproc';
import { BEHIND_MS } from '../support/cluster.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';

const RUNS = Number(process.env.MODEL_RUNS ?? 6);
const PROCESSES = 3;
const LABELS = ['a', 'b'] as const;
const BOUNDS = [1, 5];

type Step =
  | { readonly do: 'inc'; readonly process: number; readonly label: (typeof LABELS)[number]; readonly by: number }
  | { readonly do: 'observe'; readonly process: number; readonly value: number }
  | { readonly do: 'set'; readonly process: number; readonly value: number }
  | { readonly do: 'remove'; readonly process: number; readonly label: (typeof LABELS)[number] }
  | { readonly do: 'kill'; readonly process: number }
  | { readonly do: 'mark'; readonly process: number }
  | { readonly do: 'fold' }
  | { readonly do: 'scrape' };

const slot = fc.nat(PROCESSES - 1);
const label = fc.constantFrom(...LABELS);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('inc' as const), process: slot, label, by: fc.nat(100) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('observe' as const), process: slot, value: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('set' as const), process: slot, value: fc.integer({ min: -50, max: 50 }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), process: slot, label }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), process: slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mark' as const), process: slot }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('fold' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('scrape' as const) }) },
);

/** The counts of one process, alive or dead. */
class ModelProcess {
  alive = true;
  readonly counts = new Map<string, number>();
  readonly observed: number[] = [];
  gauge: number | undefined;
}

/** The merged view, as the documentation describes it. */
function viewOf(processes: readonly ModelProcess[]): Record<string, number> {
  const view: Record<string, number> = {};
  for (const name of LABELS) {
    const having = processes.filter(({ counts }) => counts.has(name));
    if (having.length > 0) {
      view[`counts_total ${name}`] = having.reduce((sum, { counts }) => sum + counts.get(name)!, 0);
    }
  }
  const observed = processes.flatMap((process) => process.observed);
  for (const bound of [...BOUNDS, Infinity]) {
    view[`sizes_bucket ${bound}`] = observed.filter((value) => value <= bound).length;
  }
  view.sizes_sum = observed.reduce((sum, value) => sum + value, 0);
  view.sizes_count = observed.length;
  const set = processes.filter(({ gauge }) => gauge !== undefined);
  const living = set.filter(({ alive }) => alive);
  view.livesum = living.reduce((sum, { gauge }) => sum + gauge!, 0);
  view.max = set.length === 0 ? 0 : Math.max(...set.map(({ gauge }) => gauge!));
  view.livemin = living.length === 0 ? 0 : Math.min(...living.map(({ gauge }) => gauge!));
  return view;
}

async function play(t: TestContext, history: readonly Step[]): Promise<void> {
  const dir = withTempDir(t);
  const collector = new MultiprocessCollector({ dir, fold: false, selfMetrics: false, threads: false });
  const model: ModelProcess[] = [];
  const slots: { real: ForkedProgram; model: ModelProcess }[] = [];
  const start = async (at: number): Promise<void> => {
    const real = forkProgram(t, 'crash/programs/told', [], { env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir } });
    await real.nextMessage();
    slots[at] = { real, model: new ModelProcess() };
    model.push(slots[at].model);
  };
  const compare = async (): Promise<void> => {
    if (BEHIND_MS > 0) await sleep(BEHIND_MS);
    const shown: Record<string, number> = {};
    for (const { samples } of await collector.families()) {
      for (const { name, labels, value } of samples) {
        const further =
          labels.of ?? (labels.le === undefined ? undefined : Number(labels.le.replace('+Inf', 'Infinity')));
        shown[further === undefined ? name : `${name} ${further}`] = value;
      }
    }
    assert.deepEqual(shown, viewOf(model));
  };
  try {
    for (let at = 0; at < PROCESSES; at++) await start(at);
    for (const step of history) {
      switch (step.do) {
        case 'scrape':
          await compare();
          break;
        case 'fold':
          await collector.fold();
          break;
        case 'mark':
          // a living process is not marked
          assert.equal(markProcessDead(slots[step.process].real.pid, { dir }).marked, 0);
          break;
        case 'kill':
          if (BEHIND_MS > 0) await sleep(BEHIND_MS);
          await slots[step.process].real.kill();
          slots[step.process].model.alive = false;
          await start(step.process);
          break;
        default: {
          const { real, model: own } = slots[step.process];
          await real.ask(step);
          if (step.do === 'inc') own.counts.set(step.label, (own.counts.get(step.label) ?? 0) + step.by);
          if (step.do === 'observe') own.observed.push(step.value);
          if (step.do === 'set') own.gauge = step.value;
          if (step.do === 'remove') own.counts.delete(step.label);
        }
      }
    }
    await compare();
  } finally {
    await Promise.all(slots.map(({ real }) => real.kill()));
    await collector.close();
  }
}

test('whatever processes do, and however they end, the merged view equals that of a model', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 40 }), (history) => play(t, history)),
    { numRuns: RUNS, endOnFailure: process.env.MODEL_RUNS === undefined },
  );
});

test('a removed series does not come back when its process is folded', async (t) => {
  await play(t, [
    { do: 'inc', process: 0, label: 'a', by: 5 },
    { do: 'inc', process: 1, label: 'a', by: 7 },
    { do: 'scrape' },
    { do: 'remove', process: 0, label: 'a' },
    { do: 'kill', process: 0 },
    { do: 'fold' },
    { do: 'scrape' },
    { do: 'kill', process: 1 },
    { do: 'fold' },
    { do: 'inc', process: 0, label: 'a', by: 1 },
  ]);
});

test('the largest gauge of dead processes outlives two folds', async (t) => {
  await play(t, [
    { do: 'set', process: 0, value: 40 },
    { do: 'set', process: 1, value: -3 },
    { do: 'kill', process: 0 },
    { do: 'fold' },
    { do: 'set', process: 2, value: 20 },
    { do: 'kill', process: 2 },
    { do: 'fold' },
    { do: 'scrape' },
  ]);
});
