/**
 * CONTRIBUTING states that a metric type, a gauge mode and a format are one row each. Here each table gets one more row,
 * and all code between a process's file and a scrape works with it.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { MultiprocessCollector } from '../../src/collector/multiprocess-collector.js';
import { foldDirectory } from '../../src/archive/fold.js';
import type { Format } from '../../src/exposition/format.js';
import { FORMATS, formatOf } from '../../src/exposition/formats.js';
import { GAUGE_MODES, type GaugeMode, gaugeMode } from '../../src/model/gauge-mode.js';
import { Gauge, Registry } from '../../src/index.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import { METRIC_KINDS, type MetricKind, metricKind } from '../../src/model/metric-kind.js';
import { afterTest } from '../support/after-test.js';
import { withTempDir } from '../support/temp-dir.js';
import { gauge } from '../support/declarations.js';
import { addTo, attach, createFile, setGauge } from '../support/written-file.js';

/** Adds a row for the duration of the test. */
function addRow<Row extends { readonly name: string } | { readonly type: string }>(
  t: TestContext,
  table: ReadonlyMap<string, Row>,
  row: Row,
): void {
  const rows = table as Map<string, Row>;
  const key = 'name' in row ? row.name : row.type;
  rows.set(key, row);
  afterTest(t, () => void rows.delete(key));
}

async function scrape(t: TestContext, dir: string, accept: string): Promise<{ contentType: string; text: string }> {
  const collector = new MultiprocessCollector({ dir, threads: false, selfMetrics: false, fold: false });
  afterTest(t, () => collector.close());
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
  addRow(t, METRIC_KINDS, kind);
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
  addRow(t, GAUGE_MODES, product);
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
        get valueCount() {
          return names.length;
        },
        render: (values) => Buffer.from(names.map((name, at) => `${name}\t${values[at]}\n`).join('')),
      };
    },
  };
  addRow(t, FORMATS, format);
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
