/** Facts in files about the registries that show their families, while processes live and after a fold. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { DirectoryCollection } from '../../src/collector/collection.js';
import { mergedFamilies } from '../../src/collector/merged-output.js';
import type { Selection } from '../../src/merge/selection.js';
import { metricKey } from '../../src/model/family-declaration.js';
import { completed } from '../../src/time-slices.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile, type WrittenFile } from '../support/written-file.js';

const JOBS = counter('jobs_total', []);

/** The selection of a registry without a name, by its id. */
function unnamed(id: string, isPrimary = false): Selection {
  return { registries: [], unnamed: { id, isPrimary, declarations: { jobs_total: metricKey(JOBS) } } };
}

function shown(t: TestContext, dir: string, selections: readonly Selection[]): (number | 'missing' | undefined)[] {
  const collection = new DirectoryCollection({ dir, deadRetentionSeconds: Infinity, maxOpenFiles: 100 });
  t.after(() => collection.close());
  for (const _ of collection.collect());
  return selections.map((selection) => {
    const selected = collection.select(selection);
    completed(selected.update());
    if (selected.missing.length > 0) return 'missing';
    return completed(mergedFamilies(selected, {}))[0]?.samples[0].value;
  });
}

/** Checks the output before and after the files were folded. */
function assertShown(
  t: TestContext,
  dir: string,
  files: readonly WrittenFile[],
  expected: readonly (readonly [Selection, number | 'missing' | undefined])[],
): void {
  const selections = expected.map(([selection]) => selection);
  const values = expected.map(([, value]) => value);
  for (const { writer } of files) writer.flush();
  assert.deepEqual(shown(t, dir, selections), values);
  for (const { writer } of files) writer.close();
  assert.equal(foldDirectory(dir).folded, files.length);
  assert.deepEqual(shown(t, dir, selections), values, 'folded');
}

function count({ store }: WrittenFile, registry: string, amount: number): void {
  addTo(attach(store, store.declare(JOBS, [registry]), []), amount);
}

test('registries without a name share a family name that no process had in two of them', (t) => {
  const dir = withTempDir(t);
  const files = [createFile(dir), createFile(dir), createFile(dir)];
  ['?app/a.js##0', '?app/b.js##0', '?#7'].forEach((id, at) => count(files[at], id, 10 ** at));
  assertShown(t, dir, files, [
    [unnamed('?app/a.js##0'), 111],
    [unnamed('?#1'), 111],
    [{ registries: ['default'] }, undefined],
    [{ registries: 'all' }, 111],
  ]);
});

test('a family name that one process had in two registries is shown by their ids, also when only one of them is left', (t) => {
  const dir = withTempDir(t);
  const files = [createFile(dir), createFile(dir), createFile(dir)];
  const [first] = files;
  count(first, '?app/a.js##0', 1);
  const dropped = first.store.declare(JOBS, ['?app/b.js##0']);
  first.store.forget(dropped);
  count(files[1], '?app/a.js##0', 10);
  count(files[2], '?app/c.js##0', 100);
  assertShown(t, dir, files, [
    [unnamed('?app/a.js##0'), 11],
    [unnamed('?app/c.js##0'), 100],
    [unnamed('?app/d.js##0'), 'missing'],
    [unnamed('?#1'), 'missing'],
    [{ registries: 'all' }, 111],
  ]);
});

test('a primary is separate from other processes as soon as it forks', (t) => {
  const dir = withTempDir(t);
  const files = [createFile(dir), createFile(dir)];
  const [primary, worker] = files;
  count(primary, '?app/a.js##0', 100);
  primary.store.becomePrimary();
  primary.store.settle();
  addTo(attach(primary.store, primary.store.declare(counter('forks_total', []), ['default']), []), 5);
  count(worker, '?app/a.js##0', 1);
  assertShown(t, dir, files, [
    [unnamed('?app/a.js##0'), 1],
    [unnamed('?app/a.js##0', true), 100],
    [{ registries: 'all' }, 101],
    [{ registries: 'all', withoutPrimary: true }, 1],
    [{ registries: ['default'] }, 5],
    [{ registries: ['default'], withoutPrimary: true }, undefined],
  ]);
});

test('a process with many families becomes a primary a few families at a time', (t) => {
  const dir = withTempDir(t);
  const files = [createFile(dir), createFile(dir)];
  const [{ store }] = files;
  for (let at = 0; at < 500; at++) {
    addTo(attach(store, store.declare(counter(`jobs_${at}_total`, []), ['default']), []), 100);
  }
  store.becomePrimary();
  const pauses = [...store.settleInSteps()].length;
  assert.ok(pauses > 500, `${pauses} pauses`);
  assertShown(t, dir, files, [
    [{ registries: 'all' }, 100],
    [{ registries: 'all', withoutPrimary: true }, undefined],
  ]);
});

test('a different declaration is a different metric', (t) => {
  const dir = withTempDir(t);
  const files = [createFile(dir), createFile(dir)];
  count(files[0], '?app/a.js##0', 1);
  const other = files[1].store.declare({ ...JOBS, help: 'Other jobs.' }, ['?app/a.js##0']);
  addTo(attach(files[1].store, other, []), 10);
  assertShown(t, dir, files, [
    [unnamed('?app/a.js##0'), 1],
    [{ registries: 'all' }, 11],
  ]);
});
