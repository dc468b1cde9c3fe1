import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ExpositionFormat } from '../../src/exposition/format.js';
import { createdHeader, familyHeader, headingsOf } from '../../src/exposition/heading.js';
import type { MetricType } from '../../src/model/metric-family.js';

type Named = readonly [name: string, type: MetricType];

/** `name type`, and in brackets where `_created` goes, per family. */
function headings(format: ExpositionFormat, ...families: Named[]): string[] {
  return headingsOf(
    families.map(([name, type]) => ({ name, type })),
    format,
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
    assert.deepEqual(headings('text', ...ONE_OF_EACH), [
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

  it('in OpenMetrics is what the samples allow, for their names stay', () => {
    assert.deepEqual(headings('openmetrics', ...ONE_OF_EACH), [
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

  it('gives way in OpenMetrics where its name is taken', () => {
    assert.deepEqual(headings('openmetrics', ['jobs_total', 'counter'], ['jobs', 'gauge']), [
      'jobs_total unknown (apart)',
      'jobs gauge',
    ]);
    assert.deepEqual(headings('openmetrics', ['x_total', 'counter'], ['x_info', 'info']), [
      'x counter (within)',
      'x_info gauge',
    ]);
  });

  it('leaves created samples out where their name is taken', () => {
    for (const format of ['text', 'openmetrics'] as const) {
      const [jobs] = headings(format, ['jobs_total', 'counter'], ['jobs_created', 'gauge']);
      assert.doesNotMatch(jobs, /\(/);
      const [counter, histogram] = headings(format, ['jobs_total', 'counter'], ['jobs', 'histogram']);
      assert.match(counter, /\(apart\)/);
      assert.doesNotMatch(histogram, /\(/);
    }
  });

  it('in strict OpenMetrics gives every counter its _total, if that is free', () => {
    const families = [
      { name: 'jobs', type: 'counter' as const },
      { name: 'runs', type: 'counter' as const },
      { name: 'runs_total', type: 'gauge' as const },
      { name: 'mails_total', type: 'counter' as const },
    ];
    const strict = headingsOf(families, 'openmetrics', { strict: true });
    assert.deepEqual(
      strict.map(({ name, type, sampleName }) => [name, type, sampleName]),
      [
        ['jobs', 'counter', 'jobs_total'],
        ['runs', 'unknown', 'runs'],
        ['runs_total', 'gauge', 'runs_total'],
        ['mails', 'counter', 'mails_total'],
      ],
    );
    const [inText] = headingsOf(families, 'text', { strict: true });
    assert.equal(inText.sampleName, 'jobs');
  });

  it('allows exemplars in OpenMetrics on counters and histograms', () => {
    const families = ONE_OF_EACH.map(([name, type]) => ({ name, type }));
    const allowed = headingsOf(families, 'openmetrics').flatMap(({ name, exemplars }) => (exemplars ? name : []));
    assert.deepEqual(allowed, ['jobs', 'wait_seconds']);
    assert.ok(headingsOf(families, 'text').every(({ exemplars }) => !exemplars));
  });
});

function header(name: string, type: MetricType, format: ExpositionFormat, unit?: string): string {
  const [heading] = headingsOf([{ name, type }], format);
  return familyHeader({ help: 'A "quoted"\nhelp.', unit }, heading, format);
}

describe('the header lines of a family', () => {
  it('are HELP and TYPE, and in OpenMetrics UNIT', () => {
    assert.equal(
      header('wait_seconds', 'histogram', 'text', 'seconds'),
      '# HELP wait_seconds A "quoted"\\nhelp.\n# TYPE wait_seconds histogram\n',
    );
    assert.equal(
      header('wait_seconds', 'histogram', 'openmetrics', 'seconds'),
      '# HELP wait_seconds A \\"quoted\\"\\nhelp.\n# TYPE wait_seconds histogram\n# UNIT wait_seconds seconds\n',
    );
  });

  it('have a UNIT only where the name in them ends with it', () => {
    assert.match(header('cpu_seconds_total', 'counter', 'openmetrics', 'seconds'), /^# UNIT cpu_seconds seconds$/m);
    assert.doesNotMatch(header('cpu_total', 'counter', 'openmetrics', 'seconds'), /UNIT/);
    assert.doesNotMatch(header('cpu_seconds', 'gauge', 'openmetrics', ''), /UNIT/);
    assert.doesNotMatch(header('cpu_seconds', 'gauge', 'openmetrics'), /UNIT/);
    assert.doesNotMatch(header('cpu_seconds', 'stateset', 'openmetrics', 'seconds'), /UNIT/);
  });

  it('of created samples that stand apart call them a gauge', () => {
    const [heading] = headingsOf([{ name: 'jobs_done', type: 'counter' }], 'openmetrics');
    assert.equal(
      createdHeader({ help: 'Jobs.' }, heading, 'openmetrics'),
      '# HELP jobs_done_created Jobs.\n# TYPE jobs_done_created gauge\n',
    );
  });
});
