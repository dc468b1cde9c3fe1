/** The output of a collector in each format, from files of several processes. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { MultiprocessCollector, type MultiprocessCollectorOptions } from 'prom-multiproc';
import { foldDirectory } from '../../src/archive/fold.js';
import { checkFile } from '../../src/metrics-file/check.js';
import { archiveName } from '../../src/directory/file-name.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import { afterTest } from '../support/after-test.js';
import { parseExposition } from '../support/exposition-parser.js';
import { decodeProtobuf } from '../support/protobuf-decoder.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge, histogram } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge } from '../support/written-file.js';

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';
const UTF8 = 'text/plain;version=1.0.0;escaping=allow-utf-8';
const REQUESTS: FamilyDeclaration = {
  ...counter('http.requests', ['http.method', 'code']),
  nameValidation: 'utf8',
};

/** Two dead processes with a metric of each type. */
function fill(dir: string): void {
  for (const amount of [1, 2]) {
    const { store, writer } = createFile(dir, { identity: { startedAt: amount } });
    const add = (declaration: FamilyDeclaration, values: readonly string[], slots: readonly number[]): void => {
      const series = attach(store, store.declare(declaration, ['default']), values);
      slots.forEach((value, slot) => addTo(series, value, slot));
    };
    add(counter('jobs_total', ['kind']), ['mail'], [amount]);
    add(counter('jobs_total', ['kind']), ['a"b\\c\nd,'], [amount * 2 ** 30]);
    add(REQUESTS, ['GET', '200'], [amount]);
    add(histogram('wait_seconds', [0.1, 1], ['kind']), ['mail'], [amount, 0, 5, 1.5]);
    add({ ...counter('size_bytes'), type: 'summary', quantiles: [] }, [], [7, 2]);
    setGauge(attach(store, store.declare(gauge('load', 'sum'), ['default']), []), amount / 4);
    writer.close();
  }
}

function collectorOf(t: TestContext, dir: string, options: MultiprocessCollectorOptions = {}): MultiprocessCollector {
  const collector = new MultiprocessCollector({ dir, threads: false, selfMetrics: false, fold: false, ...options });
  afterTest(t, () => collector.close());
  return collector;
}

async function textOf(collector: MultiprocessCollector, accept: string, names?: readonly string[]): Promise<string> {
  return Buffer.from((await collector.metrics({ accept, names })).body).toString();
}

test('protobuf has the samples of the text, inline and from a thread, before a fold and after it', async (t) => {
  const dir = withTempDir(t);
  fill(dir);
  const collectors = [collectorOf(t, dir), collectorOf(t, dir, { threads: true })];
  for (const isFolded of [false, true]) {
    if (isFolded) assert.equal(foldDirectory(dir).folded, 2);
    for (const collector of collectors) {
      const { samples } = parseExposition(await textOf(collector, 'text/plain'));
      const { contentType, body } = await collector.metrics({ accept: PROTOBUF });
      assert.equal(
        contentType,
        'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited',
      );
      const families = decodeProtobuf(body);
      assert.deepEqual(
        families.flatMap((family) => family.samples.map(({ name, labels, value }) => [name, { ...labels }, value])),
        samples.map(({ name, labels, value }) => [name, { ...labels }, value]),
      );
      const made = families.flatMap(({ created }) => created);
      assert.equal(made.length, 5, 'every series that is no gauge has one');
      assert.ok(
        made.every((seconds) => Math.abs(seconds - Date.now() / 1000) < 600),
        String(made),
      );
    }
  }
});

test('UTF-8 names are merged, folded and checked, and shown unescaped only on request', async (t) => {
  const dir = withTempDir(t);
  fill(dir);
  const collector = collectorOf(t, dir);
  for (const isFolded of [false, true]) {
    if (isFolded) assert.ok(checkFile(join(dir, archiveName(foldDirectory(dir).generation))).ok);
    assert.match(await textOf(collector, UTF8), /^\{"http\.requests","http\.method"="GET",code="200"\} 3$/m);
    assert.match(await textOf(collector, 'text/plain'), /^http_requests\{http_method="GET",code="200"\} 3$/m);
    const { body } = await collector.metrics({ accept: `${PROTOBUF},${UTF8};q=0.5` });
    const family = decodeProtobuf(body).find(({ name }) => name === 'http.requests')!;
    assert.deepEqual(Object.keys(family.samples[0].labels), ['http.method', 'code']);
  }
});

test('where two names have the same escaped form the newest is shown, and the other is a counted conflict', async (t) => {
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  for (const name of ['a.b', 'a_b']) {
    addTo(attach(store, store.declare({ ...counter(name), nameValidation: 'utf8' }, ['default']), []), name.length);
  }
  const collector = collectorOf(t, dir, { selfMetrics: true });
  const escaped = await textOf(collector, 'text/plain');
  assert.equal(escaped.match(/^a_b /gm)?.length, 1);
  assert.match(escaped, /^prom_multiproc_conflicting_families\{reason="name"\} 1$/m);
  const asTheyAre = await textOf(collector, UTF8);
  assert.match(asTheyAre, /^\{"a\.b"\} 3$/m);
  assert.match(asTheyAre, /^a_b 3$/m);
  writer.close();
});

test('only requested metrics are shown, by their names or those of their samples', async (t) => {
  const dir = withTempDir(t);
  fill(dir);
  const collector = collectorOf(t, dir);
  const namesIn = async (...names: readonly string[]): Promise<string[]> =>
    parseExposition(await textOf(collector, 'text/plain', names)).families.map(({ name }) => name);
  assert.deepEqual(await namesIn('load', 'wait_seconds_bucket', 'nothing'), ['wait_seconds', 'load']);
  assert.deepEqual(await namesIn('http.requests'), ['http_requests']);
  assert.deepEqual(await namesIn('nothing'), []);
  const { body } = await collector.metrics({ accept: PROTOBUF, names: ['jobs_total'] });
  assert.deepEqual(
    decodeProtobuf(body).map(({ name, created }) => [name, created.length]),
    [['jobs_total', 2]],
  );
});
