import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createdHeader, familyHeader, headingsOf } from '../../src/exposition/heading.js';
import { OPENMETRICS, TEXT, type TextDialect } from '../../src/exposition/text-dialect.js';
import type { MetricType } from '../../src/model/metric-family.js';

type Named = readonly [name: string, type: MetricType];

/** Returns `name type` per family, and in brackets the place of `_created`. */
function headings(dialect: TextDialect, ...families: Named[]): string[] {
  return headingsOf(
    families.map(([name, type]) => ({ name, type })),
    dialect,
  ).map(({ name, type, created }) => `${name} ${type}${created === 'nowhere' ? '' : ` (${created})`}`);
}

const ONE_OF_EACH: Named[] = [
  ['jobs_total', 'counter'],
  ['jobs_done', 'counter'],
  ['temperature', 'gauge'],
  ['wait_seconds', 'histogram'],
  ['size_bytes', 'summary'],
  ['build', 'info'],
  ['node_info', 'info'],
  ['health', 'stateset'],
  ['legacy', 'unknown'],
];

describe('the heading of a family', () => {
  it('in text 0.0.4 has the name of the samples', () => {
    assert.deepEqual(headings(TEXT, ...ONE_OF_EACH), [
      'jobs_total counter (apart)',
      'jobs_done counter (apart)',
      'temperature gauge',
      'wait_seconds histogram (apart)',
      'size_bytes summary (apart)',
      'build_info gauge',
      'node_info gauge',
      'health gauge',
      'legacy untyped',
    ]);
  });

  it('in OpenMetrics fits the names of the samples, which do not change', () => {
    assert.deepEqual(headings(OPENMETRICS, ...ONE_OF_EACH), [
      'jobs counter (within)',
      'jobs_done unknown (apart)',
      'temperature gauge',
      'wait_seconds histogram (within)',
      'size_bytes summary (within)',
      'build info',
      'node info',
      'health stateset',
      'legacy unknown',
    ]);
  });

  it('changes in OpenMetrics if another family has its name', () => {
    assert.deepEqual(headings(OPENMETRICS, ['jobs_total', 'counter'], ['jobs', 'gauge']), [
      'jobs_total unknown (apart)',
      'jobs gauge',
    ]);
    assert.deepEqual(headings(OPENMETRICS, ['x_total', 'counter'], ['x_info', 'info']), [
      'x counter (within)',
      'x_info gauge',
    ]);
  });

  it('leaves created samples out if another family has their name', () => {
    const beside = (other: Named, dialect: TextDialect) => headings(dialect, ['jobs_total', 'counter'], other);
    assert.deepEqual(beside(['jobs_created', 'gauge'], TEXT), ['jobs_total counter', 'jobs_created gauge']);
    assert.deepEqual(beside(['jobs_created', 'gauge'], OPENMETRICS), ['jobs_total unknown', 'jobs_created gauge']);
    assert.deepEqual(beside(['jobs', 'histogram'], TEXT), ['jobs_total counter (apart)', 'jobs histogram']);
    assert.deepEqual(beside(['jobs', 'histogram'], OPENMETRICS), ['jobs_total unknown', 'jobs histogram (within)']);
  });

  it('in strict OpenMetrics gives every counter _total, if that name is free', () => {
    const families = [
      { name: 'jobs', type: 'counter' as const },
      { name: 'runs', type: 'counter' as const },
      { name: 'runs_total', type: 'gauge' as const },
      { name: 'mails_total', type: 'counter' as const },
    ];
    const strict = headingsOf(families, OPENMETRICS, { strict: true });
    assert.deepEqual(
      strict.map(({ name, type, sampleName }) => [name, type, sampleName]),
      [
        ['jobs', 'counter', 'jobs_total'],
        ['runs', 'unknown', 'runs'],
        ['runs_total', 'gauge', 'runs_total'],
        ['mails', 'counter', 'mails_total'],
      ],
    );
    const [inText] = headingsOf(families, TEXT, { strict: true });
    assert.equal(inText.sampleName, 'jobs');
  });

  it('allows exemplars in OpenMetrics on counters and histograms', () => {
    const families = ONE_OF_EACH.map(([name, type]) => ({ name, type }));
    const allowed = headingsOf(families, OPENMETRICS).flatMap(({ name, exemplars }) => (exemplars ? name : []));
    assert.deepEqual(allowed, ['jobs', 'wait_seconds']);
    assert.ok(headingsOf(families, TEXT).every(({ exemplars }) => !exemplars));
  });
});

function header(name: string, type: MetricType, dialect: TextDialect, unit?: string): string {
  const [heading] = headingsOf([{ name, type }], dialect);
  return familyHeader({ help: 'A "quoted"\nhelp.', unit }, heading, dialect);
}

describe('the header lines of a family', () => {
  it('are HELP and TYPE, and in OpenMetrics UNIT', () => {
    assert.equal(
      header('wait_seconds', 'histogram', TEXT, 'seconds'),
      '# HELP wait_seconds A "quoted"\\nhelp.\n# TYPE wait_seconds histogram\n',
    );
    assert.equal(
      header('wait_seconds', 'histogram', OPENMETRICS, 'seconds'),
      '# HELP wait_seconds A \\"quoted\\"\\nhelp.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n',
    );
  });

  it('have a UNIT only if the name in them ends with it', () => {
    assert.match(header('cpu_seconds_total', 'counter', OPENMETRICS, 'seconds'), /^# UNIT cpu_seconds seconds$/m);
    assert.doesNotMatch(header('cpu_total', 'counter', OPENMETRICS, 'seconds'), /UNIT/);
    assert.doesNotMatch(header('cpu_seconds', 'gauge', OPENMETRICS, ''), /UNIT/);
    assert.doesNotMatch(header('cpu_seconds', 'gauge', OPENMETRICS), /UNIT/);
    assert.doesNotMatch(header('cpu_seconds', 'stateset', OPENMETRICS, 'seconds'), /UNIT/);
  });

  it('of created samples that are written apart have the type gauge', () => {
    const [heading] = headingsOf([{ name: 'jobs_done', type: 'counter' }], OPENMETRICS);
    assert.equal(
      createdHeader({ help: 'Jobs.' }, heading, OPENMETRICS),
      '# HELP jobs_done_created Jobs.\n# TYPE jobs_done_created gauge\n',
    );
  });
});
