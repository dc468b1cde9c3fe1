/**
 * CONTRIBUTING states that a metric type, a gauge mode, a format, a kind of file and a source of the directory are one row
 * each. Here each table gets one more row, and all code between a process's file and a scrape works with it.
 */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkMetricsFile, FILE_KINDS } from '../../src/collector/file-kinds.js';
import type { FileKind } from '../../src/collector/metrics-file.js';
import { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { foldDirectory } from '../../src/archive/fold.js';
import type { Format } from '../../src/exposition/format.js';
import { FORMATS, formatOf } from '../../src/exposition/formats.js';
import { GAUGE_MODES, type GaugeMode, gaugeMode } from '../../src/model/gauge-mode.js';
import { Gauge, Registry } from '../../src/index.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import { METRIC_KINDS, type MetricKind, metricKind } from '../../src/model/metric-kind.js';
import { afterTest } from '../support/after-test.js';
import { collectorOf } from '../support/collector.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge } from '../support/written-file.js';
import { checkTally, TallyFile } from './tally-file.js';

/** Adds a row for the duration of the test. */
function addRow<Key, Row>(t: TestContext, table: ReadonlyMap<Key, Row>, key: Key, row: Row): void {
  const rows = table as Map<Key, Row>;
  rows.set(key, row);
  afterTest(t, () => void rows.delete(key));
}

async function scrape(t: TestContext, dir: string, accept: string): Promise<{ contentType: string; text: string }> {
  const collector = collectorOf(t, dir, { threads: false, selfMetrics: false, fold: false });
  const { contentType, body } = await collector.metrics({ accept });
  return { contentType, text: Buffer.from(body).toString() };
}

test('a row of the metric kinds is stored, merged, folded and shown', async (t) => {
  // good ones and all of them; a line for each, and one for their ratio
  const kind: MetricKind = {
    ...metricKind('counter'),
    type: 'ratio' as never,
    slots: () => 2,
    lines: ({ name }) => [{ name }, { name: `${name}_of`, label: { name: 'part', value: 'all' } }],
    writeValues: (slots, slot, _layout, _sketch, values, at) => {
      values[at] = slots[slot] / slots[slot + 1];
      values[at + 1] = slots[slot + 1];
      return at + 2;
    },
    lineLabel: 'part',
    openMetrics: undefined,
    hasCreated: false,
  };
  addRow(t, METRIC_KINDS, kind.type, kind);
  const dir = withTempDir(t);
  const declaration: FamilyDeclaration = { name: 'hits', help: 'Hits', type: kind.type, labelNames: ['cache'] };
  for (const [good, all] of [
    [1, 2],
    [8, 10],
  ]) {
    const { store, writer } = createFile(dir);
    const series = attach(store, store.declare(declaration, ['default']), ['dns']);
    addTo(series, good, 0);
    addTo(series, all, 1);
    writer.close();
  }
  const expected = '# HELP hits Hits\n# TYPE hits ratio\nhits{cache="dns"} 0.75\nhits_of{part="all",cache="dns"} 12\n';
  assert.equal((await scrape(t, dir, 'text/plain')).text, expected);
  assert.equal(foldDirectory(dir).folded, 2);
  assert.equal((await scrape(t, dir, 'application/openmetrics-text')).text, `${expected}# EOF\n`);
});

test('a row of the gauge modes merges the gauges that are declared with it', async (t) => {
  const product: GaugeMode = {
    ...gaugeMode('sum'),
    name: 'product',
    reduce: (accumulators, at, value) => {
      accumulators[at] = (accumulators[at] || 1) * value;
      accumulators[at + 2]++;
    },
  };
  addRow(t, GAUGE_MODES, product.name, product);
  const dir = withTempDir(t);
  for (const value of [2, 3, 7]) {
    const { store, writer } = createFile(dir);
    setGauge(attach(store, store.declare(gauge('odds', 'product'), ['default']), []), value);
    writer.close();
  }
  assert.match((await scrape(t, dir, 'text/plain')).text, /^odds 42$/m);
});

test('a row of the formats is negotiated and served, merged and from one process', async (t) => {
  const format: Format = {
    ...formatOf('text'),
    name: 'tsv',
    offers: [
      { mediaType: 'text/tsv', contentType: 'text/tsv; charset=utf-8', versions: new Set(['']), escapes: false },
    ],
    render: (families) =>
      Buffer.from(families.flatMap(({ samples }) => samples.map(({ name, value }) => `${name}\t${value}\n`)).join('')),
    newWriter: () => {
      const names: string[] = [];
      let lines: readonly { readonly name: string }[] = [];
      return {
        family: (family) => void (lines = family.lines),
        series: () => void names.push(...lines.map(({ name }) => name)),
        end: () => {},
        render: (values) => Buffer.from(names.map((name, at) => `${name}\t${values[at]}\n`).join('')),
      };
    },
  };
  addRow(t, FORMATS, format.name, format);
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  setGauge(attach(store, store.declare(gauge('odds', 'max'), ['default']), []), 42);
  assert.deepEqual(await scrape(t, dir, 'text/tsv, text/plain;q=0.5'), {
    contentType: 'text/tsv; charset=utf-8',
    text: 'odds\t42\n',
  });
  writer.close();

  const own = new Registry(undefined, { multiprocess: false });
  new Gauge({ name: 'speed', help: 'Speed', registers: [own] }).set(3);
  assert.equal(Buffer.from(formatOf('tsv').render(await own.localFamilies())).toString(), 'speed\t3\n');
});

test('a row of the file kinds is read, merged, listed and checked beside the others', async (t) => {
  const kind = 'tally' as FileKind;
  const isNamed = (name: string): boolean => /^tally_\d+\.db$/.test(name);
  addRow(t, FILE_KINDS, kind, {
    isNamed,
    open: (name, context) => new TallyFile(name, context, kind),
    check: (path) => checkTally(path),
  });
  const dir = withTempDir(t);
  const { store, writer } = createFile(dir);
  addTo(attach(store, store.declare(counter('hits_total'), ['default']), []), 2);
  writeFileSync(join(dir, 'tally_4711.db'), '40');
  writeFileSync(join(dir, 'other_4711.db'), '100');
  assert.match((await scrape(t, dir, 'text/plain')).text, /^hits_total 42$/m);
  assert.ok(checkMetricsFile(join(dir, 'tally_4711.db')).ok);
  writer.close();
  assert.equal(foldDirectory(dir).folded, 1, 'only the file of this package');

  const collector = new MultiprocessCollector({ dir, threads: false, fold: false });
  const text = async (): Promise<string> =>
    Buffer.from((await collector.metrics({ accept: 'text/plain' })).body).toString();
  afterTest(t, () => collector.close());
  const tally = (await collector.processes()).find(({ pid }) => pid === 4711);
  assert.deepEqual([tally?.state, tally?.file], ['live', 'tally_4711.db']);
  writeFileSync(join(dir, 'tally_4711.db'), '41');
  assert.match(await text(), /^hits_total 43$/m);
  writeFileSync(join(dir, 'tally_4711.db'), 'forty');
  const broken = await text();
  assert.match(broken, /^hits_total 2$/m);
  assert.match(broken, /^prom_multiproc_files_skipped\{reason="corrupt"\} 1$/m);
  assert.equal(checkMetricsFile(join(dir, 'tally_4711.db')).ok, false);
});

test('a row of the sources is where a process and its threads count, and what a reader reads', async (t) => {
  const dir = withTempDir(t);
  const program = forkProgram(t, 'e2e/programs/new-source', [], { env: { PATH: process.env.PATH, RACK: dir } });
  assert.deepEqual(await program.nextMessage(), { source: 'rack', dir, value: 2 });
  assert.equal(readdirSync(dir).filter((name) => name.endsWith('.prom-mp')).length, 2);
});
