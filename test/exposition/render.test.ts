import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { renderText } from '../../src/exposition/render.js';
import { OPENMETRICS, TEXT, TEXT_DIALECTS } from '../../src/exposition/text-dialect.js';
import type { MetricFamily, MetricType } from '../../src/model/metric-family.js';
import { assertHistogramsAreSound, assertNoDuplicateSeries, parseExposition } from '../support/exposition-parser.js';
import { checkMetrics, openMetricsProblems } from '../support/promtool.js';
import { needs } from '../support/needs.js';

const TRACED = { labels: { trace_id: '4bf9' }, value: 0.7, timestamp: 1700000000.5 };

/** Freezes the families deeply, since rendering must not change them. */
const FAMILIES = frozen<readonly MetricFamily[]>([
  {
    name: 'jobs_total',
    help: 'Jobs by "kind".',
    type: 'counter',
    samples: [
      { name: 'jobs_total', labels: { kind: 'mail' }, value: 3, exemplar: TRACED },
      { name: 'jobs_created', labels: { kind: 'mail' }, value: 1700000000.25, exemplar: TRACED },
    ],
  },
  {
    name: 'jobs_done',
    help: 'Back\\slash and\nnewline.',
    type: 'counter',
    samples: [
      { name: 'jobs_done', labels: {}, value: 1e21, exemplar: TRACED },
      { name: 'jobs_done_created', labels: {}, value: 1700000000 },
    ],
  },
  {
    name: 'temperature_celsius',
    help: 'Temperature.',
    type: 'gauge',
    unit: 'celsius',
    samples: [
      { name: 'temperature_celsius', labels: { le: '1', at: 'a"b\\c\nd' }, value: -1.5, exemplar: TRACED },
      { name: 'temperature_celsius', labels: { at: 'moon' }, value: NaN },
      { name: 'temperature_celsius', labels: { at: 'sun' }, value: Infinity },
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
      { name: 'wait_seconds_bucket', labels: { le: '+Inf' }, value: 3 },
      { name: 'wait_seconds_sum', labels: {}, value: 10.7, exemplar: TRACED },
      { name: 'wait_seconds_count', labels: {}, value: 3 },
    ],
  },
  {
    name: 'size_bytes',
    help: 'Sizes.',
    type: 'summary',
    samples: [
      { name: 'size_bytes', labels: { quantile: '0.5' }, value: 4 },
      { name: 'size_bytes', labels: { quantile: '1' }, value: 9 },
      { name: 'size_bytes_sum', labels: {}, value: 13 },
      { name: 'size_bytes_count', labels: {}, value: 2 },
    ],
  },
  {
    name: 'build',
    help: 'Build.',
    type: 'info',
    samples: [{ name: 'build_info', labels: { version: '1.2.3' }, value: 1 }],
  },
  {
    name: 'health',
    help: 'Health.',
    type: 'stateset',
    samples: [
      { name: 'health', labels: { health: 'up' }, value: 1 },
      { name: 'health', labels: { health: 'down' }, value: 0 },
    ],
  },
  {
    name: 'legacy',
    help: 'Who knows.',
    type: 'unknown',
    samples: [{ name: 'legacy', labels: {}, value: 7 }],
  },
  { name: 'quiet_total', help: 'Nothing yet.', type: 'counter', samples: [] },
]);

const IN_TEXT = String.raw`# HELP jobs_total Jobs by "kind".
# TYPE jobs_total counter
jobs_total{kind="mail"} 3

# HELP jobs_created Jobs by "kind".
# TYPE jobs_created gauge
jobs_created{kind="mail"} 1700000000.25

# HELP jobs_done Back\\slash and\nnewline.
# TYPE jobs_done counter
jobs_done 1e+21

# HELP jobs_done_created Back\\slash and\nnewline.
# TYPE jobs_done_created gauge
jobs_done_created 1700000000

# HELP temperature_celsius Temperature.
# TYPE temperature_celsius gauge
temperature_celsius{le="1",at="a\"b\\c\nd"} -1.5
temperature_celsius{at="moon"} NaN
temperature_celsius{at="sun"} +Inf
temperature_celsius{at="void"} -Inf

# HELP wait_seconds Waiting.
# TYPE wait_seconds histogram
wait_seconds_bucket{le="0.005"} 0
wait_seconds_bucket{le="1"} 2
wait_seconds_bucket{le="+Inf"} 3
wait_seconds_sum 10.7
wait_seconds_count 3

# HELP size_bytes Sizes.
# TYPE size_bytes summary
size_bytes{quantile="0.5"} 4
size_bytes{quantile="1"} 9
size_bytes_sum 13
size_bytes_count 2

# HELP build_info Build.
# TYPE build_info gauge
build_info{version="1.2.3"} 1

# HELP health Health.
# TYPE health gauge
health{health="up"} 1
health{health="down"} 0

# HELP legacy Who knows.
# TYPE legacy untyped
legacy 7

# HELP quiet_total Nothing yet.
# TYPE quiet_total counter
`;

const IN_OPENMETRICS = String.raw`# HELP jobs Jobs by \"kind\".
# TYPE jobs counter
jobs_total{kind="mail"} 3 # {trace_id="4bf9"} 0.7 1700000000.5
jobs_created{kind="mail"} 1700000000.25
# HELP jobs_done Back\\slash and\nnewline.
# TYPE jobs_done unknown
jobs_done 1e+21
# HELP jobs_done_created Back\\slash and\nnewline.
# TYPE jobs_done_created gauge
jobs_done_created 1700000000
# HELP temperature_celsius Temperature.
# TYPE temperature_celsius gauge
# UNIT temperature_celsius celsius
temperature_celsius{le="1",at="a\"b\\c\nd"} -1.5
temperature_celsius{at="moon"} NaN
temperature_celsius{at="sun"} +Inf
temperature_celsius{at="void"} -Inf
# HELP wait_seconds Waiting.
# TYPE wait_seconds histogram
# UNIT wait_seconds seconds
wait_seconds_bucket{le="0.005"} 0
wait_seconds_bucket{le="1"} 2 # {trace_id="4bf9"} 0.7 1700000000.5
wait_seconds_bucket{le="+Inf"} 3
wait_seconds_sum 10.7
wait_seconds_count 3
# HELP size_bytes Sizes.
# TYPE size_bytes summary
size_bytes{quantile="0.5"} 4
size_bytes{quantile="1"} 9
size_bytes_sum 13
size_bytes_count 2
# HELP build Build.
# TYPE build info
build_info{version="1.2.3"} 1
# HELP health Health.
# TYPE health stateset
health{health="up"} 1
health{health="down"} 0
# HELP legacy Who knows.
# TYPE legacy unknown
legacy 7
# HELP quiet Nothing yet.
# TYPE quiet counter
# EOF
`;

describe('an exposition', () => {
  it('in text 0.0.4 is this', () => {
    assert.equal(renderText(FAMILIES, TEXT), IN_TEXT);
  });

  it('in OpenMetrics is this', () => {
    assert.equal(renderText(FAMILIES, OPENMETRICS), IN_OPENMETRICS);
  });

  it('in strict OpenMetrics differs in the names of counters and in le and quantile', () => {
    const before = IN_OPENMETRICS.split('\n');
    const after = renderText(FAMILIES, OPENMETRICS, { strict: true }).split('\n');
    assert.deepEqual(
      after.filter((line) => !before.includes(line)),
      [
        '# TYPE jobs_done counter',
        'jobs_done_total 1e+21 # {trace_id="4bf9"} 0.7 1700000000.5',
        'wait_seconds_bucket{le="1.0"} 2 # {trace_id="4bf9"} 0.7 1700000000.5',
        'size_bytes{quantile="1.0"} 9',
      ],
    );
    assert.equal(renderText(FAMILIES, TEXT, { strict: true }), IN_TEXT);
  });

  it('has the same series in both formats', () => {
    const [text, openMetrics] = [IN_TEXT, IN_OPENMETRICS].map((exposition) =>
      parseExposition(exposition).samples.map(({ name, labels, value }) => ({ name, labels, value })),
    );
    assert.deepEqual(openMetrics, text);
  });

  it('has no series twice and sound histograms', () => {
    for (const exposition of [IN_TEXT, IN_OPENMETRICS]) {
      assertNoDuplicateSeries(exposition);
      assertHistogramsAreSound(exposition);
    }
  });

  it('without families still has its end', () => {
    assert.equal(renderText([], TEXT), '\n');
    assert.equal(renderText([], OPENMETRICS), '# EOF\n');
  });

  it('is accepted by Prometheus, in both formats', needs('prometheus'), () => {
    assert.ok(checkMetrics(IN_TEXT).parses);
    assert.deepEqual(openMetricsProblems(IN_OPENMETRICS), []);
    assert.deepEqual(openMetricsProblems(renderText(FAMILIES, OPENMETRICS, { strict: true })), []);
    assert.notDeepEqual(openMetricsProblems(IN_OPENMETRICS.replace('"mail"', 'mail')), [], 'the check finds mistakes');
  });

  it('has no created samples if another family has their name', () => {
    const [jobs] = FAMILIES;
    const other: MetricFamily = {
      name: 'jobs_created',
      help: 'Made by hand.',
      type: 'gauge',
      samples: [{ name: 'jobs_created', labels: { kind: 'mail' }, value: 1 }],
    };
    for (const dialect of TEXT_DIALECTS.values()) {
      const exposition = renderText([jobs, other], dialect);
      assertNoDuplicateSeries(exposition);
      assert.doesNotMatch(exposition, /1700000000\.25/);
    }
  });
});

describe('an exposition of malicious text', () => {
  const harm = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom('"} 1\nforged 1', '\n# EOF\n', '\\', '\\"', '\r\n\r\n', '\0', '\ud800', '\u2028x 1', '# {a="b"} 1'),
  );
  const types = fc.constantFrom<MetricType>('counter', 'gauge', 'unknown');
  const family = fc.record({ help: harm, type: types, values: fc.uniqueArray(harm, { selector: inUtf8 }) });

  it('has the families and series that were given, and no others', () => {
    fc.assert(
      fc.property(fc.array(family), fc.constantFrom(TEXT, OPENMETRICS), (given, dialect) => {
        const families = given.map(({ help, type, values }, at) => familyOf(`f${at}_x`, type, help, values));
        const parsed = parseExposition(renderText(families, dialect), dialect.name);
        assert.deepEqual(
          parsed.families.map(({ name, help, samples }) => [name, help, samples.map(({ labels }) => labels.v)]),
          given.map(({ help, values }, at) => [`f${at}_x`, inUtf8(help), values.map(inUtf8)]),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('is accepted by Prometheus, in both formats', needs('prometheus'), () => {
    const values = fc.sample(harm, { numRuns: 300, seed: 1 });
    const distinct = [...new Set(values.map(inUtf8))];
    const families = values.slice(0, 20).map((help, at) => familyOf(`f${at}_x`, 'gauge', help, distinct));
    const verdict = checkMetrics(renderText(families, TEXT));
    assert.ok(verdict.parses, verdict.problems.join('\n'));
    assert.deepEqual(openMetricsProblems(renderText(families, OPENMETRICS)), []);
  });
});

function familyOf(name: string, type: MetricType, help: string, values: readonly string[]): MetricFamily {
  return { name, help, type, samples: values.map((v) => ({ name, labels: { v }, value: 1 })) };
}

function inUtf8(text: string): string {
  return Buffer.from(text).toString();
}

function frozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(frozen);
  return value;
}
