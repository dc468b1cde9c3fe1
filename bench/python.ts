/**
 * Scrapes of client_python's files, by this package and by client_python: `node dist/bench/python.js [--quick]`. The real client
 * writes the file of one process; the files of the other processes are copies with other pids. The benchmark first compares both
 * outputs. Between two scrapes all values of one file change, and so every line of the output. The ratios are those of CPU time, of
 * all threads of a process: the time on the clock depends on the other work of the machine.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MultiprocessCollector } from '../src/collector/multiprocess-collector.js';
import { collectByPython, OLD_CLIENT, sampleKey } from '../test/support/python-process.js';
import { PYTHON } from '../test/support/needs.js';
import { median, table } from './report.js';

const QUICK = process.argv.includes('--quick');
const PROCESSES = QUICK ? 4 : 32;
const LABEL_SETS = QUICK ? 1000 : 10_000;
const SCRAPES = 5;
/** The goal: client_python's scrape takes so many times as long. */
const WANTED = { warm: 30, cold: 8 };

const WRITE = `
from prometheus_client import Histogram
latency = Histogram('http_request_duration_seconds', 'Latency', ['method', 'path'])
for at in range(${LABEL_SETS}):
    child = latency.labels('GET', '/api/v1/items/%d' % at)
    child.observe(at % 100 / 20)
    child.observe(0.2)
`;

const COLLECT = `
import sys, time
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
start, cpu = time.perf_counter(), time.process_time()
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry, sys.argv[1])
text = generate_latest(registry)
print((time.process_time() - cpu) * 1000, (time.perf_counter() - start) * 1000)
`;

function python(code: string, ...args: string[]): string {
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir };
  const { status, stdout } = spawnSync(PYTHON, ['-c', code, ...args], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  assert.equal(status, 0);
  return stdout;
}

/** Adds 1 to every value of a file without timestamps. */
function countOn(path: string): void {
  const bytes = readFileSync(path);
  for (let at = 8, used = bytes.readInt32LE(0); at < used;) {
    const length = bytes.readInt32LE(at);
    const value = at + 4 + length + (8 - ((length + 4) % 8));
    bytes.writeDoubleLE(bytes.readDoubleLE(value) + 1, value);
    at = value + 8;
  }
  writeFileSync(path, bytes, { flag: 'r+' });
}

interface Took {
  readonly cpuMs: number;
  readonly clockMs: number;
}

async function timed(collector: MultiprocessCollector): Promise<Took> {
  const [start, before] = [performance.now(), process.cpuUsage()];
  await collector.metrics({ format: 'text' });
  const { user, system } = process.cpuUsage(before);
  return { cpuMs: (user + system) / 1000, clockMs: performance.now() - start };
}

function medianOf(took: readonly Took[]): Took {
  return { cpuMs: median(took.map(({ cpuMs }) => cpuMs)), clockMs: median(took.map(({ clockMs }) => clockMs)) };
}

const dir = mkdtempSync(join(tmpdir(), 'python-bench-'));
async function main(): Promise<void> {
  python(WRITE);
  const [written] = readdirSync(dir);
  const first = join(dir, 'histogram_4200001.db');
  renameSync(join(dir, written), first);
  for (let at = 2; at <= PROCESSES; at++) copyFileSync(first, join(dir, `histogram_${4_200_000 + at}.db`));

  const checking = new MultiprocessCollector({ dir, selfMetrics: false, threads: false, readOnly: true });
  const expected = collectByPython(dir, OLD_CLIENT);
  let compared = 0;
  for (const { type, help, samples } of await checking.families()) {
    for (const { name, labels, value } of samples) {
      const other = expected.get(sampleKey(type, help, name, labels));
      assert.ok(other !== undefined && Math.abs(other - value) <= 1e-9 * Math.abs(value), name);
      compared++;
    }
  }
  assert.equal(compared, expected.size);
  await checking.close();

  const theirs = Array.from({ length: QUICK ? 3 : 2 }, (): Took => {
    const [cpuMs, clockMs] = python(COLLECT, dir).split(' ').map(Number);
    return { cpuMs, clockMs };
  });
  const cold: Took[] = [];
  for (let at = 0; at < 3; at++) {
    const collector = new MultiprocessCollector({ dir, selfMetrics: false, threads: false, readOnly: true });
    cold.push(await timed(collector));
    await collector.close();
  }
  const warming = new MultiprocessCollector({ dir, selfMetrics: false, threads: false, readOnly: true });
  await timed(warming);
  const warm: Took[] = [];
  for (let at = 0; at < SCRAPES; at++) {
    countOn(first);
    warm.push(await timed(warming));
  }
  await warming.close();
  const slow = medianOf(theirs);
  const ratio = (took: Took): number => slow.cpuMs / took.cpuMs;
  const row = (name: string, took: Took, wanted?: number): string[] => [
    ...[name, took.cpuMs.toFixed(0), took.clockMs.toFixed(0)],
    ...(wanted === undefined ? [] : [`${ratio(took).toFixed(1)} ×`, `${wanted} ×`]),
  ];
  console.log(`${PROCESSES} processes × ${LABEL_SETS} histogram label sets, ${compared} samples compared\n`);
  console.log(
    table(
      ['scrape', 'ms of CPU', 'ms on the clock', 'ratio of CPU', 'must reach'],
      [
        row('client_python', slow),
        row('ours, cold', medianOf(cold), WANTED.cold),
        row('ours, warm', medianOf(warm), WANTED.warm),
      ],
    ),
  );
  if (ratio(medianOf(cold)) < WANTED.cold || ratio(medianOf(warm)) < WANTED.warm) process.exitCode = 1;
}

void main().finally(() => rmSync(dir, { recursive: true }));
