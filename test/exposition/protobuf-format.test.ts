import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CreatedPlace } from '../../src/exposition/format.js';
import { formatOf } from '../../src/exposition/formats.js';
import { labelText } from '../../src/exposition/labels.js';
import { renderText } from '../../src/exposition/render.js';
import { TEXT } from '../../src/exposition/text-dialect.js';
import type { Exemplar, MetricFamily, MetricType } from '../../src/model/metric-family.js';
import { metricKind } from '../../src/model/metric-kind.js';
import { parseExposition } from '../support/exposition-parser.js';
import { decodeProtobuf, type DecodedFamily } from '../support/protobuf-decoder.js';

const PROTOBUF = formatOf('protobuf');
const TRACED: Exemplar = { labels: { trace_id: '4bf9', span_id: 'é' }, value: 0.7, timestamp: 1700000000.5 };

const FAMILIES: readonly MetricFamily[] = [
  {
    name: 'jobs_total',
    help: 'Jobs by "kind".',
    type: 'counter',
    samples: [
      { name: 'jobs_total', labels: { kind: 'mail' }, value: 3, exemplar: TRACED },
      { name: 'jobs_created', labels: { kind: 'mail' }, value: 1700000000.25 },
      { name: 'jobs_total', labels: { kind: 'a"b\\c\nd' }, value: 1e21 },
      { name: 'jobs_created', labels: { kind: 'a"b\\c\nd' }, value: 1800000000.125 },
    ],
  },
  {
    name: 'temperature_celsius',
    help: 'Back\\slash and\nnewline.',
    type: 'gauge',
    unit: 'celsius',
    samples: [
      { name: 'temperature_celsius', labels: { at: 'moon' }, value: -1.5 },
      { name: 'temperature_celsius', labels: { at: 'void' }, value: -Infinity },
    ],
  },
  {
    name: 'wait_seconds',
    help: 'Waiting.',
    type: 'histogram',
    unit: 'seconds',
    samples: [
      { name: 'wait_seconds_bucket', labels: { le: '0.005' }, value: 0 },
      { name: 'wait_seconds_bucket', labels: { le: '1' }, value: 2, exemplar: TRACED },
      { name: 'wait_seconds_bucket', labels: { le: '+Inf' }, value: 2 ** 40 + 1, exemplar: TRACED },
      { name: 'wait_seconds_sum', labels: {}, value: 10.7 },
      { name: 'wait_seconds_count', labels: {}, value: 2 ** 40 + 1 },
    ],
  },
  {
    name: 'size_bytes',
    help: 'Sizes.',
    type: 'summary',
    samples: [
      { name: 'size_bytes', labels: { quantile: '0.5' }, value: 4 },
      { name: 'size_bytes_sum', labels: {}, value: 13 },
      { name: 'size_bytes_count', labels: {}, value: 2 },
    ],
  },
  { name: 'build', help: 'Build.', type: 'info', samples: [{ name: 'build_info', labels: { v: '1' }, value: 1 }] },
  { name: 'legacy', help: 'Who knows.', type: 'unknown', samples: [{ name: 'legacy', labels: {}, value: 7 }] },
  { name: 'quiet_total', help: 'Nothing yet.', type: 'counter', samples: [] },
];

/** Returns name, labels and value of each sample, in the order of the text. */
function plain(families: readonly Pick<MetricFamily, 'samples'>[]): unknown {
  return families.flatMap(({ samples }) =>
    samples.map(({ name, labels, value }) => [
      name,
      Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      value,
    ]),
  );
}

describe('a protobuf exposition', () => {
  it('has the same samples as the text', () => {
    const decoded = decodeProtobuf(PROTOBUF.render(FAMILIES));
    const uncreated = FAMILIES.map((family) => ({
      ...family,
      samples: family.samples.filter(({ name }) => !name.endsWith('_created')),
    }));
    assert.deepEqual(plain(decoded), plain([parseExposition(renderText(uncreated, TEXT))]));
    assert.deepEqual(
      decoded.map(({ name, type, help, unit }) => [name, type, help, unit]),
      [
        ['jobs_total', 'COUNTER', 'Jobs by "kind".', undefined],
        ['temperature_celsius', 'GAUGE', 'Back\\slash and\nnewline.', 'celsius'],
        ['wait_seconds', 'HISTOGRAM', 'Waiting.', 'seconds'],
        ['size_bytes', 'SUMMARY', 'Sizes.', undefined],
        ['build_info', 'GAUGE', 'Build.', undefined],
        ['legacy', 'UNTYPED', 'Who knows.', undefined],
      ],
    );
  });

  it('shows creation times, and exemplars with their times', () => {
    const [jobs, , wait] = decodeProtobuf(PROTOBUF.render(FAMILIES));
    assert.deepEqual(jobs.created, [1700000000.25, 1800000000.125]);
    assert.deepEqual(
      [...jobs.samples, ...wait.samples].map(({ exemplar }) => exemplar),
      [TRACED, undefined, undefined, TRACED, TRACED, undefined, undefined],
    );
  });

  it('after many renders is the same as a new one of the last values', () => {
    const value = fc.oneof(fc.nat(), fc.nat({ max: 2 ** 31 }), fc.constantFrom(0, 127, 128, 2 ** 28, 2 ** 35, 2 ** 52));
    const exemplar = fc.option(fc.record({ labels: fc.constant({ id: 'x' }), value: fc.nat() }), { nil: undefined });
    const rounds = fc.array(
      fc.tuple(fc.array(value, { minLength: 26, maxLength: 26 }), fc.array(exemplar, { maxLength: 26 })),
      {
        maxLength: 4,
      },
    );
    fc.assert(
      fc.property(rounds, (all) => {
        const writer = newWriter();
        for (const [values, exemplars] of all) {
          const kept = Float64Array.from(values);
          const fresh = newWriter().render(kept, exemplars);
          assert.deepEqual(read(writer.render(kept, exemplars)), read(fresh));
          const expected = values.map((each, at) => (CREATED.includes(at) ? Math.min(each, 2 ** 35 - 1) : each));
          assert.deepEqual(valuesOf(read(fresh)), expected);
        }
      }),
      { numRuns: 100 },
    );
  });
});

/** Indices of the values that are created times, which have room until the year 3058. */
const CREATED = [1, 3, 10, 17, 21, 25];

/** Two series each of a counter, a histogram and a summary, with created times: 26 values. */
function newWriter() {
  const families = [
    { name: 'jobs_total', type: 'counter' as MetricType },
    { name: 'wait_seconds', type: 'histogram' as MetricType, bounds: [0.1, 1, 10] },
    { name: 'size_bytes', type: 'summary' as MetricType, quantiles: [0.5] },
    { name: 'quiet_total', type: 'counter' as MetricType },
  ];
  const headings = PROTOBUF.headings(families, {});
  const writer = PROTOBUF.newWriter({});
  families.forEach((family, at) => {
    const kind = metricKind(family.type);
    const created: CreatedPlace = 'within';
    writer.family({ ...family, help: 'h', kind, lines: kind.lines(family) }, headings[at], created);
    if (family.name === 'quiet_total') return;
    for (const kindOf of ['a', 'b']) writer.series(labelText({ kind: kindOf }));
  });
  writer.end();
  return writer;
}

function read(body: Uint8Array): DecodedFamily[] {
  return decodeProtobuf(body);
}

/** The samples in the order of the writer: the created time of a series after its other samples. */
function valuesOf(families: readonly DecodedFamily[]): number[] {
  return families.flatMap(({ samples, created }) => {
    const perSeries = samples.length / created.length;
    return created.flatMap((at, series) => [
      ...samples.slice(series * perSeries, (series + 1) * perSeries).map(({ value }) => value),
      at,
    ]);
  });
}
