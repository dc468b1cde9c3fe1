/**
 * A write in the application on each release of Node.js, compared with Node 20 and with a loop written by hand:
 * `node dist/bench/every-node.js`.
 *
 * The loop is the least that a counter with labels can do without this package: it reads three properties, joins them, and
 * looks the cell up in a Map. Before the samples, both sides count the same operations and are compared. Each sample runs in a
 * separate process; the samples of all releases and sides are interleaved.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Counter, Registry } from '../src/index.js';
import { nodeRelease, OTHER_NODE_MAJORS } from '../test/support/node-release.js';
import { CODES, METHODS, nanosecondsOf, ROUTES, type Work } from './operation.js';
import { median, table } from './report.js';

const SAMPLES = 3;
const HELD = 'held counter child .inc()';
const BY_LABELS = 'inc({3 labels})';
const NATIVE = 'held native histogram child .observe()';
const LOOP = 'loop';
const FIGURES = [HELD, BY_LABELS, LOOP, NATIVE];

/** The goals of a write on any release. */
const MAX_HELD_RATIO = 1.3;
const MAX_LOOP_RATIO = 0.5;
const MAX_NATIVE_NS = 8;

type Labels = Readonly<Record<'method' | 'route' | 'code', string>>;

function labelsAt(at: number): Labels {
  return { method: METHODS[at & 3], route: ROUTES[at & 15], code: CODES[at % 3] };
}

class CounterByHand {
  readonly cells = new Map<string, { value: number }>();

  inc(labels: Labels): void {
    const key = `${labels.method},${labels.route},${labels.code}`;
    const cell = this.cells.get(key);
    if (cell === undefined) this.cells.set(key, { value: 1 });
    else cell.value++;
  }
}

function workByHand(counter: CounterByHand): Work {
  return (count) => {
    for (let at = 0; at < count; at++) {
      counter.inc({ method: METHODS[at & 3], route: ROUTES[at & 15], code: CODES[at % 3] });
    }
  };
}

async function assertEqualCounts(): Promise<void> {
  const byHand = new CounterByHand();
  const registers = [new Registry()];
  const counter = new Counter({ name: 'a_total', help: 'a', labelNames: ['method', 'route', 'code'], registers });
  workByHand(byHand)(1000);
  for (let at = 0; at < 1000; at++) counter.inc(labelsAt(at));
  const { values } = await counter.get();
  const counts = values.map(({ labels, value }) => [`${labels.method},${labels.route},${labels.code}`, value] as const);
  assert.deepEqual(new Map(counts), new Map([...byHand.cells].map(([key, { value }]) => [key, value])));
}

function sample(node: string, figure: string, dir: string): number {
  const [program, ...args] =
    figure === LOOP ? [__filename, LOOP] : [join(__dirname, 'hot-path.js'), 'prom-multiproc', figure];
  const output = execFileSync(node, ['--expose-gc', program, ...args], {
    env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir },
    encoding: 'utf8',
  });
  return Number(output);
}

async function main(): Promise<void> {
  if (process.argv[2] === LOOP) {
    process.stdout.write(String(nanosecondsOf(workByHand(new CounterByHand()))));
    return;
  }
  await assertEqualCounts();
  const nodes: (readonly [string, string])[] = [[process.version.slice(1).split('.', 1)[0], process.execPath]];
  for (const major of OTHER_NODE_MAJORS) nodes.push([String(major), await nodeRelease(major)]);
  const samples = new Map<string, number[]>();
  const dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-bench-'));
  try {
    for (let round = 0; round < SAMPLES; round++) {
      for (const figure of FIGURES) {
        for (const [name, node] of nodes) {
          const key = `${name} ${figure}`;
          samples.set(key, [...(samples.get(key) ?? []), sample(node, figure, dir)]);
        }
      }
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
  const first = median(samples.get(`${nodes[0][0]} ${HELD}`)!);
  let reached = true;
  const rows = nodes.map(([name]) => {
    const [held, byLabels, loop, native] = FIGURES.map((figure) => median(samples.get(`${name} ${figure}`)!));
    reached &&= held / first <= MAX_HELD_RATIO && byLabels / loop <= MAX_LOOP_RATIO && native <= MAX_NATIVE_NS;
    const ns = (value: number): string => `${value.toFixed(1)} ns`;
    return [
      name,
      ns(held),
      `${(held / first).toFixed(2)} ×`,
      ns(byLabels),
      ns(loop),
      `${(byLabels / loop).toFixed(2)} ×`,
      ns(native),
    ];
  });
  console.log(table(['Node', HELD, `to Node ${nodes[0][0]}`, BY_LABELS, 'loop', 'to the loop', NATIVE], rows));
  console.log(`\nWanted: at most ${MAX_HELD_RATIO} ×, ${MAX_LOOP_RATIO} × and ${MAX_NATIVE_NS} ns.`);
  process.exitCode = reached ? 0 : 1;
}

void main();
