/** The families that an output shows of the one index: by their registries, and families of one name combined. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import { MULTIPROCESS_MODES } from '../../src/model/gauge-mode.js';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { mergedFamilies } from '../../src/collector/merged-output.js';
import { completed } from '../../src/time-slices.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge } from '../support/written-file.js';

const GAUGE_MODES = [...MULTIPROCESS_MODES, 'average', 'first'];

/** Three processes, each with the same names in two registries; the declarations differ where the tables allow it. */
function writeFiles(t: TestContext, dir: string, registryOf: (place: number) => string): void {
  mkdirSync(dir);
  t.mock.timers.setTime(Date.UTC(2026, 0));
  for (const number of [1, 2, 3]) {
    const { store, writer } = createFile(dir, {
      kind: 'written',
      identity: { pid: number, startedAt: number, createdAt: number, id: `000000000000000${number}` },
    });
    const declared = (place: number, declaration: FamilyDeclaration) => {
      t.mock.timers.tick(1000);
      return store.declare(declaration, [registryOf(place)]);
    };
    for (const place of [0, 1]) {
      const labels = place === 0 ? ['kind', 'path'] : ['path', 'kind'];
      const weight = number * (place + 1);
      const jobs = declared(place, counter('jobs_total', labels));
      addTo(attach(store, jobs, ['x', 'y']), weight);
      addTo(attach(store, jobs, ['x', undefined]), weight);
      const times = declared(place, histogram('time_seconds', place === 0 ? [1, 2] : [2, 4], labels));
      const time = attach(store, times, ['x', 'x']);
      for (const slot of [0, 1, 2, 3]) addTo(time, weight + slot, slot);
      const wait = declared(place, { ...counter('wait_seconds', labels), type: 'summary', quantiles: [0.5] });
      const waiting = attach(store, wait, ['x', 'x']);
      addTo(waiting, weight * 4, 0);
      addTo(waiting, weight, 1);
      const bins = store.attachTo(waiting, { kind: 'sketch', sign: 1, chunk: 2, windows: 1, windowSeconds: 0 });
      bins.view[bins.index] = 1;
      bins.view[bins.index + 1 + place] = weight;
      for (const [at, mode] of GAUGE_MODES.entries()) {
        // a gauge of one process is in one registry only: which of two values is the last would be unknown
        if (number % 2 === place) continue;
        const depth = declared(place, gauge(`depth_${mode}`, mode, labels));
        setGauge(attach(store, depth, ['x', 'x']), weight * 7 + at, number);
      }
    }
    writer.flush();
  }
}

test('families of one name in two registries give the same output as one family of both, in every type and mode', (t) => {
  const dir = withTempDir(t);
  t.mock.timers.enable({ apis: ['Date'] });
  writeFiles(t, join(dir, 'apart'), (place) => `registry ${place}`);
  writeFiles(t, join(dir, 'together'), () => 'registry');
  const [apart, together] = ['apart', 'together'].map((name) => new Reading(join(dir, name), { created: true }));
  for (let round = 0; round < 2; round++) assert.deepEqual(apart.values(), together.values());
  assert.equal(apart.text(), together.text());
  assert.equal(apart.stats.series, together.stats.series);
  assert.deepEqual(apart.stats.conflicts, together.stats.conflicts);
  apart.close();
  together.close();
});

test('one collection shows the families of each registry, and follows later counts and registrations', (t) => {
  const dir = withTempDir(t);
  const { store } = createFile(dir);
  const own = ['a', 'b'].map((name) => store.declare(counter('hits_total', ['by']), [name]));
  const hits = own.map((family) => attach(store, family, ['y']));
  hits.forEach((one, at) => addTo(one, at + 1));
  const collection = new DirectoryCollection({ dir, deadRetentionSeconds: 60, maxOpenFiles: 10 });
  const outputs = [['a'], ['b'], ['a', 'b'], 'all' as const, ['c']].map((registries) =>
    collection.select({ registries }),
  );
  const values = (): (number | undefined)[] => {
    for (const _ of collection.collect());
    return outputs.map((output) => {
      completed(output.update());
      const samples = completed(mergedFamilies(output, {})).flatMap((family) => family.samples);
      return samples.find(({ labels }) => labels.by === 'y')?.value;
    });
  };
  assert.deepEqual(values(), [1, 2, 3, 3, undefined]);
  hits.forEach((one) => addTo(one, 10));
  assert.deepEqual(values(), [11, 12, 23, 23, undefined]);
  store.setRegistries(own[0], ['a', 'c']);
  assert.deepEqual(values(), [11, 12, 23, 23, 11]);
  addTo(attach(store, own[0], ['z']), 5);
  addTo(hits[0], 1);
  assert.deepEqual(values(), [12, 12, 24, 24, 12]);
  store.setRegistries(own[1], []);
  assert.deepEqual(values(), [12, undefined, 12, 12, 12]);
  collection.close();
});
