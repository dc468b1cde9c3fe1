/** The whole files of a fuzzed directory: those that must never be harmed, and those that are damaged. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFileName } from '../../src/directory/file-name.js';
import { nativeRole } from '../../src/metrics-file/attachment.js';
import { writeExemplarCell } from '../../src/metrics-file/exemplar-cell.js';
import { pythonFile, pythonKey, type PythonEntry } from '../support/python-file.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, type WrittenFile } from '../support/written-file.js';
import type { DamagedFile } from './byte-mutation.js';
import { mutate, takeApart } from './mutation.js';
import { mutatePython } from './python-mutation.js';
import type { Random } from './random.js';

const REGISTRIES = ['default'];

/** The zero bucket, and bins of both signs and of two schemas. */
const NATIVE_ROLES = [
  nativeRole(0, 0, 3),
  nativeRole(1, 0, 3),
  nativeRole(1, 1, 3),
  nativeRole(-1, 0, 3),
  nativeRole(1, 0, 0),
];

/** A file that is damaged. */
export interface Victim {
  readonly name: string;
  readonly whole: Buffer;
  damage(random: Random): DamagedFile;
}

/** Writes the files that are not damaged. Only they have families whose names begin with `good_`. */
export function writeGoodFiles(dir: string): WrittenFile[] {
  const key = pythonKey('good_python', 'good_python_total', { app: 'fuzz' });
  writeFileSync(join(dir, 'counter_good.db'), pythonFile([{ key, value: 4 }, ...PYTHON_ENTRIES.counter], true));
  return [1, 2].map((pid) => goodFile(dir, pid));
}

function goodFile(dir: string, pid: number): WrittenFile {
  const file = createFile(dir, { identity: { pid, startedAt: pid, createdAt: pid } });
  const { store } = file;
  store.setDefaultLabels('default', { app: 'fuzz' });
  const own = store.declare(counter('good_total', ['kind']), REGISTRIES);
  for (let kind = 0; kind < 20; kind++) addTo(attach(store, own, [String(kind)]), kind + pid);
  const times = store.declare(histogram('good_seconds', [1, 2, 4], ['path']), REGISTRIES);
  for (let slot = 0; slot < 5; slot++) addTo(attach(store, times, [`/${slot}`]), 1, slot);
  fillShared(file);
  return file;
}

/** What good files and the victim have in common. */
function fillShared({ store }: WrittenFile): void {
  const jobs = store.declare(counter('jobs_total', ['kind', 'queue']), REGISTRIES);
  for (let kind = 0; kind < 8; kind++) {
    const series = attach(store, jobs, [String(kind), kind % 2 === 0 ? undefined : 'x"\\\n']);
    addTo(series, kind);
    if (kind > 0) continue;
    const cell = store.attachTo(series, { kind: 'exemplar', slotOffset: 0 });
    writeExemplarCell(cell.view, cell.index, { labels: { trace: 'a' }, value: 1, timestamp: 2 });
  }
  for (const mode of ['all', 'max', 'livesum']) {
    const family = store.declare(gauge(`depth_${mode}`, mode, ['queue']), REGISTRIES);
    for (const queue of ['a', 'b']) attach(store, family, [queue]).view.fill(1);
  }
  const times = store.declare(histogram('time_seconds', [0.5, 1], ['path']), REGISTRIES);
  for (const path of ['/a', '/b']) addTo(attach(store, times, [path]), 3, 1);
  const summary = store.declare(
    { name: 'size_bytes', help: 'Size', type: 'summary', labelNames: [], quantiles: [0.5, 0.9] },
    REGISTRIES,
  );
  const sizes = attach(store, summary, []);
  const chunk = store.attachTo(sizes, { kind: 'sketch', sign: 1, chunk: 0, windows: 1, windowSeconds: 0 });
  chunk.view[chunk.index] = 1;
  chunk.view[chunk.index + 5] = 3;
  addTo(sizes, 30, 0);
  addTo(sizes, 3, 1);
  const native = { schema: 3, zeroThreshold: 2 ** -10, maxBuckets: 160 };
  const lengths = store.declare({ ...histogram('length_bytes', [0.5, 1], ['path']), native }, REGISTRIES);
  for (const path of ['/a', '/b']) {
    const series = attach(store, lengths, [path]);
    addTo(series, 7, 3);
    for (const role of NATIVE_ROLES) {
      const bins = store.attachTo(series, role);
      bins.view[bins.index] = 1;
    }
  }
  const removed = attach(store, jobs, ['gone', 'gone']);
  addTo(removed, 99);
  store.detach(removed);
}

/** The file of a writer that holds no lock: it may be alive, so that the file is read again and again. */
export function nodeVictim(dir: string): Victim {
  const identity = { pid: 77, threadId: 0, id: 'abcdefabcdefabcd' };
  const file = createFile(dir, { identity: { ...identity, startedAt: 5, createdAt: 5, liveness: 'heartbeat' } });
  file.store.setDefaultLabels('default', { app: 'fuzz', zone: 'b' });
  fillShared(file);
  file.writer.close();
  const whole = readFileSync(file.path);
  rmSync(file.path);
  const apart = takeApart(whole);
  return { name: dataFileName(identity), whole, damage: (random) => mutate(apart, random) };
}

const PYTHON_ENTRIES: Readonly<Record<string, readonly PythonEntry[]>> = {
  counter: Array.from({ length: 6 }, (_, at) => ({
    key: pythonKey('jobs', 'jobs_total', { kind: `${at}`, queue: 'q'.repeat(at + 1) }),
    value: at,
  })),
  histogram: ['/a', '/b'].flatMap((path) => [
    { key: pythonKey('time_seconds', 'time_seconds_sum', { path }), value: 3 },
    ...['0.5', '1.0', '2.5', '+Inf'].map((le) => {
      return { key: pythonKey('time_seconds', 'time_seconds_bucket', { le, path }), value: 1 };
    }),
  ]),
  summary: ['_sum', '_count'].map((suffix) => ({ key: pythonKey('size_bytes', `size_bytes${suffix}`), value: 2 })),
  gauge_all: ['a', 'b'].map((queue) => ({ key: pythonKey('depth_all', 'depth_all', { queue }), value: 1 })),
  gauge_mostrecent: ['a', 'b'].map((queue) => ({
    ...{ key: pythonKey('depth_recent', 'depth_recent', { queue }), value: 1 },
    timestamp: 1_700_000_000,
  })),
};

/** Files of each type in both layouts, of processes whose liveness is unknown. */
export function pythonVictims(): Victim[] {
  return Object.entries(PYTHON_ENTRIES).flatMap(([type, entries]) =>
    [true, false].map((hasTimestamps) => ({
      name: `${type}_worker-1.db`,
      whole: pythonFile(entries, hasTimestamps),
      damage: (random: Random) => mutatePython({ entries, hasTimestamps }, random),
    })),
  );
}
