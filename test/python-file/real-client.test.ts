/** Files of the real client_python, compared value by value with what its own collector finds in them. */
import assert from 'node:assert/strict';
import { cpSync, readdirSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { processesOf, totalsOf } from '../../src/collector/report.js';
import { needs } from '../support/needs.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { collectByPython, NEW_CLIENT, OLD_CLIENT, PythonProcess, sampleKey } from '../support/python-process.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge } from '../support/written-file.js';

const CLIENTS = [
  [OLD_CLIENT, needs('python client')],
  [NEW_CLIENT, needs('python client', 'prometheus 3')],
] as const;

/** Every instrument, and every mode that the release has. */
const DECLARE = `
jobs = Counter('jobs', 'Jobs \\\\ "done"', ['queue', 'állapot'.replace('á', 'a')])
plain = Counter('plain', 'Without labels')
lat = Histogram('lat_seconds', 'Latency', ['path'])
own = Histogram('own_bytes', 'Sizes', buckets=[1, 10, 1000000, float('inf')])
size = Summary('size_bytes', 'Size', ['path'])
modes = ('all', 'liveall', 'min', 'livemin', 'max', 'livemax', 'sum', 'livesum', 'mostrecent', 'livemostrecent')
known = [mode for mode in modes if mode in Gauge._MULTIPROC_MODES]
gauges = [Gauge('depth_' + mode, 'Depth', ['queue'], multiprocess_mode=mode) for mode in known]
bare = [Gauge('bare_' + mode, 'Without labels', multiprocess_mode=mode) for mode in known]
`;

function count(seed: number): string {
  return `
jobs.labels('a', 'b').inc(${seed})
jobs.labels('q"\\\n', 'é €').inc(${seed} / 3)
plain.inc(${seed})
for value in (0.003, 0.3, ${seed}, 99): lat.labels('/').observe(value); own.observe(value * 10)
lat.labels('/p${seed % 2}').observe(1)
size.labels('/').observe(${seed})
for one in gauges: one.labels('x').set(${seed} - 2.5); one.labels('only ${seed}').set(${seed})
for one in bare[::2]: one.set(-${seed})
`;
}

function ours(reading: Reading): Map<string, number> {
  return new Map(
    reading
      .families()
      .flatMap(({ type, help, samples }) =>
        samples.map(({ name, labels, value }) => [sampleKey(type, help, name, labels), value] as const),
      ),
  );
}

function assertSame(found: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): void {
  const missing = [...expected.keys()].filter((key) => !found.has(key));
  const more = [...found.keys()].filter((key) => !expected.has(key));
  assert.deepEqual({ missing, more }, { missing: [], more: [] });
  for (const [key, value] of expected) {
    // sums are added in another order
    const difference = Math.abs(found.get(key)! - value);
    assert.ok(difference <= 1e-9 * Math.abs(value), `${key}: ${found.get(key)} for ${value}`);
  }
}

for (const [client, needed] of CLIENTS) {
  test(
    `${client.name}: every instrument and mode has the values of its own collector, also of killed processes`,
    needed,
    async (t) => {
      const root = withTempDir(t);
      const [dir, copy] = [join(root, 'live'), join(root, 'copy')];
      cpSync(withTempDir(t), dir, { recursive: true });
      const processes = await Promise.all([1, 2, 3, 4].map(() => new PythonProcess(t, dir, client).ready()));
      const reading = new Reading(dir);
      for (const [at, process] of processes.entries()) await process.run(DECLARE + count(at + 1));
      assertSame(ours(reading), collectByPython(dir, client));
      for (const [at, process] of processes.entries()) await process.run(count(2 * at + 5));
      for (const process of processes.slice(2)) await process.kill();
      cpSync(dir, copy, { recursive: true });
      const expected = collectByPython(
        copy,
        client,
        processes.slice(2).map(({ pid }) => pid),
      );
      assertSame(ours(reading), expected);
      const again = new Reading(dir);
      assertSame(ours(again), expected);
      assert.equal(again.text('openmetrics'), reading.text('openmetrics'));
      assert.deepEqual([again.stats.live, again.stats.dead, again.stats.unknown], [2, 2, 0]);
      reading.close();
      again.close();
    },
  );

  test(
    `${client.name}: a reader beside writers at full speed shows nothing torn, and no counter goes back`,
    needed,
    async (t) => {
      const dir = withTempDir(t);
      for (let number = 0; number < 2; number++) {
        const process = await new PythonProcess(t, dir, client).ready();
        process.start(`
turns = Counter('turns', 'Turns', ['kind'])
halves = Gauge('halves', 'Two values', multiprocess_mode='max')
halves.set(1e300)
turn = 0
while True:
    turn += 1
    turns.labels('first').inc()
    halves.set(1e300 if turn % 2 else 1e-300)
    if turn % 50 == 0 and turn < 100000: turns.labels(str(turn)).inc(turn)
`);
      }
      const reading = new Reading(dir);
      const untilMs = performance.now() + 2500;
      let last = 0;
      let series = 0;
      for (let scrapes = 0; performance.now() < untilMs || scrapes < 20; scrapes++) {
        const values = reading.values();
        for (const [name, value] of Object.entries(values)) {
          const kind = Number(/kind="(\d+)"/.exec(name)?.[1]);
          if (name.startsWith('turns') && kind > 0) assert.ok([0, kind, 2 * kind].includes(value), `${name} ${value}`);
        }
        const { halves, 'turns_total{kind="first"}': first = 0 } = values;
        assert.ok(halves === undefined || halves === 1e300 || halves === 1e-300 || halves === 0, String(halves));
        assert.ok(first >= last, `${first} after ${last}`);
        last = first;
        series = Object.keys(values).length;
        assert.deepEqual(new Set(Object.values(reading.stats.skipped)), new Set([0]));
      }
      assert.ok(last > 1000 && series > 50, `${last} turns, ${series} series`);
      reading.close();
    },
  );
}

test(
  'a pod with both: one name adds up, and what the two declare differently is a conflict',
  needs('python client'),
  async (t) => {
    const dir = withTempDir(t);
    const python = await new PythonProcess(t, dir, OLD_CLIENT).ready();
    await python.run(`
Counter('requests', 'Requests', ['path', 'code']).labels('/', '200').inc(3)
Histogram('lat_seconds', 'Latency', buckets=[1, 5]).observe(3)
Gauge('depth', 'Depth', multiprocess_mode='livesum').set(4)
`);
    const { store } = createFile(dir);
    const names = ['default'];
    addTo(
      attach(store, store.declare({ ...counter('requests_total', ['path', 'code']), help: 'Requests' }, names), [
        '/',
        '200',
      ]),
      4,
    );
    const latency = attach(store, store.declare({ ...histogram('lat_seconds', [2, 5]), help: 'Latency' }, names), []);
    addTo(latency, 1, 0);
    addTo(latency, 1.5, 3);
    setGauge(attach(store, store.declare({ ...gauge('depth', 'livesum'), help: 'Depth' }, names), []), 2);
    const reading = new Reading(dir);
    const values = reading.values();
    assert.deepEqual(values, {
      'requests_total{path="/",code="200"}': 7,
      'lat_seconds_bucket{le="1"}': 0,
      'lat_seconds_bucket{le="2"}': 1,
      'lat_seconds_bucket{le="5"}': 2,
      'lat_seconds_bucket{le="+Inf"}': 2,
      lat_seconds_sum: 4.5,
      lat_seconds_count: 2,
      depth: 6,
    });
    assert.deepEqual(reading.stats.conflicts, { buckets: 1 });
    reading.close();
  },
);

test('a family that a Python file has a part of has no _created in any format', needs('python client'), async (t) => {
  const dir = withTempDir(t);
  const python = await new PythonProcess(t, dir, OLD_CLIENT).ready();
  await python.run(`
Counter('requests', 'Requests', ['path']).labels('/').inc(3)
Histogram('lat_seconds', 'Latency').observe(3)
Summary('size_bytes', 'Size').observe(3)
`);
  const { store } = createFile(dir);
  for (const name of ['requests_total', 'own_total']) {
    const family = store.declare({ ...counter(name, ['path']), help: 'Requests' }, ['default']);
    addTo(attach(store, family, ['/only']), 1);
  }
  const reading = new Reading(dir, { created: true });
  const isCreated = (name: string): boolean => name.endsWith('_created');
  const families = (): string[] =>
    reading.families().flatMap(({ samples }) => samples.map(({ name }) => name).filter(isCreated));
  assert.deepEqual(families(), ['own_created']);
  for (const format of ['text', 'openmetrics']) {
    const lines = reading.text(format).match(/^\w+_created(?=[{ ])/gm);
    assert.deepEqual(lines, ['own_created'], format);
  }
  const shown = decodeProtobuf(reading.body('protobuf')).flatMap(({ name, created }) =>
    created.some((time) => time !== undefined) ? [name] : [],
  );
  assert.deepEqual(shown, ['own_total']);
  // the family is ours alone again
  await python.kill();
  for (const file of readdirSync(dir)) if (file.endsWith('.db')) unlinkSync(join(dir, file));
  assert.deepEqual(families().toSorted(), ['own_created', 'requests_created']);
  reading.close();
});

test(
  "nothing of Python's is written, folded or removed, and a process is one row",
  needs('python client'),
  async (t) => {
    const dir = withTempDir(t);
    const [dead, living] = await Promise.all([1, 2].map(() => new PythonProcess(t, dir, OLD_CLIENT).ready()));
    for (const process of [dead, living]) await process.run(`${DECLARE}${count(1)}`);
    await dead.kill();
    const listing = () =>
      readdirSync(dir).map((name) => {
        const { ino, size, mtimeMs, ctimeMs } = statSync(join(dir, name));
        return [name, ino, size, mtimeMs, ctimeMs];
      });
    const before = listing();
    const collection = new DirectoryCollection({ dir, deadRetentionSeconds: 60, maxOpenFiles: 3 });
    for (let round = 0; round < 2; round++) for (const _ of collection.collect());
    assert.deepEqual(
      processesOf(collection.files).map(({ pid, state, file, kind, lastBeatAt }) => ({
        pid,
        state,
        file,
        kind,
        lastBeatAt,
      })),
      [dead, living].map((each) => ({
        pid: each.pid,
        state: each === dead ? 'dead' : 'live',
        file: `*_${each.pid}.db`,
        kind: 'python',
        lastBeatAt: undefined,
      })),
    );
    assert.deepEqual(totalsOf(collection.files).dead, { files: 0, bytes: 0 });
    collection.close();
    assert.deepEqual(listing(), before);
    assert.equal(foldDirectory(dir).folded, 0);
    assert.deepEqual(
      listing().filter(([name]) => String(name).endsWith('.db')),
      before,
    );
  },
);
