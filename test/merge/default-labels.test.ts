/** The default labels of a family that several registries show, in the output of each, living and folded. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { mergedFamilies } from '../../src/collector/merged-output.js';
import { labelText } from '../../src/exposition/labels.js';
import type { Selection } from '../../src/merge/selection.js';
import { chosenRegistryId, NOT_CHOSEN } from '../../src/model/registry-id.js';
import { completed } from '../../src/time-slices.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge } from '../support/written-file.js';

const CHOSEN = chosenRegistryId(0);
const REGISTRIES = ['default', 'admin', CHOSEN];

/** A process that counts 1 in a metric of three registries with different default labels. */
function writeFile(dir: string, worker: string, registries = REGISTRIES): { close(): void } {
  const { store, writer } = createFile(dir, { identity: { pid: 5_000_000 + Number(worker) } });
  store.setDefaultLabels('default', { service: 'shop', worker });
  store.setDefaultLabels('admin', { part: 'admin', kind: 'of the registry' });
  store.setDefaultLabels(CHOSEN, { via: 'cluster' });
  addTo(attach(store, store.declare(counter('jobs_total', ['kind']), registries), ['x']), 1);
  addTo(attach(store, store.declare(counter('own_total', []), ['default', NOT_CHOSEN]), []), 1);
  const wait = attach(store, store.declare(histogram('wait', [1], []), registries), []);
  for (const slot of [1, 2]) addTo(wait, 1, slot);
  setGauge(attach(store, store.declare(gauge('load', 'max', []), registries), []), Number(worker));
  setGauge(attach(store, store.declare(gauge('each', 'all', []), registries), []), 1);
  writer.flush();
  return writer;
}

function linesOf(t: TestContext, dir: string, selection: Selection): string[] {
  const collection = new DirectoryCollection({ dir, deadRetentionSeconds: Infinity, maxOpenFiles: 100 });
  t.after(() => collection.close());
  for (const _ of collection.collect());
  const selected = collection.select(selection);
  completed(selected.update());
  return completed(mergedFamilies(selected, {})).flatMap(({ samples }) =>
    samples
      .filter(({ name, labels }) => !/_sum|_count/.test(name) && labels.le !== '1')
      .map(
        ({ name, labels: { pid, ...labels }, value }) =>
          `${name}{${labelText(labels)}}${pid ? ' of one' : ''} ${value}`,
      ),
  );
}

const perWorker = (rest: string, value: (worker: number) => string): string[] =>
  [1, 2].map((worker) => value(worker).replace('LABELS', `service="shop",worker="${worker}"${rest}`));

const EXPECTED: readonly (readonly [string, Selection, readonly string[]])[] = [
  [
    'one registry',
    { registries: ['admin'] },
    [
      'jobs_total{kind="x",part="admin"} 2',
      'wait_bucket{le="+Inf",kind="of the registry",part="admin"} 2',
      'load{kind="of the registry",part="admin"} 2',
      ...Array.from({ length: 2 }, () => 'each{kind="of the registry",part="admin"} of one 1'),
    ],
  ],
  [
    'another one, whose processes have different labels',
    { registries: ['default'] },
    [
      ...perWorker('', () => 'jobs_total{kind="x",LABELS} 1'),
      ...perWorker('', () => 'own_total{LABELS} 1'),
      ...perWorker('', () => 'wait_bucket{le="+Inf",LABELS} 1'),
      ...perWorker('', (worker) => `load{LABELS} ${worker}`),
      ...perWorker('', () => 'each{LABELS} of one 1'),
    ],
  ],
  [
    'the registries that processes chose',
    { registries: ['default'], chosen: true },
    [
      'jobs_total{kind="x",via="cluster"} 2',
      'wait_bucket{le="+Inf",via="cluster"} 2',
      'load{via="cluster"} 2',
      ...Array.from({ length: 2 }, () => 'each{via="cluster"} of one 1'),
    ],
  ],
  [
    'no labels of registries, as for Registry.merge()',
    { registries: ['default'], withoutDefaultLabels: true },
    [
      'jobs_total{kind="x"} 2',
      'own_total{} 2',
      'wait_bucket{le="+Inf"} 2',
      'load{} 2',
      ...Array.from({ length: 2 }, () => 'each{} of one 1'),
    ],
  ],
  [
    'all registries, with the labels of all but the chosen ones',
    { registries: 'all' },
    [
      ...[1, 2].map((worker) => `jobs_total{kind="x",part="admin",service="shop",worker="${worker}"} 1`),
      ...perWorker('', () => 'own_total{LABELS} 1'),
      ...[1, 2].map(
        (worker) => `wait_bucket{le="+Inf",kind="of the registry",part="admin",service="shop",worker="${worker}"} 1`,
      ),
      ...[1, 2].map(
        (worker) => `load{kind="of the registry",part="admin",service="shop",worker="${worker}"} ${worker}`,
      ),
      ...[1, 2].map((worker) => `each{kind="of the registry",part="admin",service="shop",worker="${worker}"} of one 1`),
    ],
  ],
];

test('an output shows the default labels of its own registries only, of living and of folded processes', (t) => {
  const dir = withTempDir(t);
  const files = ['1', '2'].map((worker) => writeFile(dir, worker));
  const check = (state: string): void => {
    for (const [what, selection, lines] of EXPECTED) {
      assert.deepEqual(linesOf(t, dir, selection), lines, `${what}, ${state}`);
    }
  };
  check('living');
  files[0].close();
  assert.equal(foldDirectory(dir).folded, 1);
  check('one of two folded');
  files[1].close();
  assert.equal(foldDirectory(dir).folded, 1);
  check('folded');
});

test('processes with the same registries in another order, and processes that chose none, are merged', (t) => {
  const dir = withTempDir(t);
  const files = [writeFile(dir, '1'), writeFile(dir, '2', REGISTRIES.toReversed()), writeFile(dir, '3', ['default'])];
  const jobs = (selection: Selection) => linesOf(t, dir, selection).filter((line) => line.startsWith('jobs'));
  for (const state of ['living', 'folded']) {
    assert.deepEqual(jobs({ registries: ['admin'] }), ['jobs_total{kind="x",part="admin"} 2'], state);
    assert.deepEqual(
      jobs({ registries: ['default'], chosen: true }).toSorted(),
      ['jobs_total{kind="x",service="shop",worker="3"} 1', 'jobs_total{kind="x",via="cluster"} 2'],
      state,
    );
    if (state === 'folded') break;
    for (const file of files) file.close();
    assert.equal(foldDirectory(dir).folded, 3);
  }
});

test('the labels of a registry that gets some later, or loses them, are those of its output from then on', (t) => {
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  addTo(attach(store, store.declare(counter('jobs_total', []), ['default', 'admin']), []), 1);
  const collection = new DirectoryCollection({ dir, deadRetentionSeconds: Infinity, maxOpenFiles: 100 });
  t.after(() => (collection.close(), writer.close()));
  const outputs = ['default', 'admin'].map((registry) => collection.select({ registries: [registry] }));
  const labels = (): unknown => {
    writer.flush();
    for (const _ of collection.collect());
    return outputs.map((selected) => {
      completed(selected.update());
      return completed(mergedFamilies(selected, {}))[0].samples.map((sample) => ({ ...sample.labels }));
    });
  };
  assert.deepEqual(labels(), [[{}], [{}]]);
  store.setDefaultLabels('default', { service: 'shop' });
  assert.deepEqual(labels(), [[{ service: 'shop' }], [{}]]);
  store.setDefaultLabels('admin', { service: 'shop' });
  assert.deepEqual(labels(), [[{ service: 'shop' }], [{ service: 'shop' }]]);
  store.setDefaultLabels('admin', { service: 'desk' });
  assert.deepEqual(labels(), [[{ service: 'shop' }], [{ service: 'desk' }]]);
  store.setDefaultLabels('default', {});
  assert.deepEqual(labels(), [[{}], [{ service: 'desk' }]]);
});
