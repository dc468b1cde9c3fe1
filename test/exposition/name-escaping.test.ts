import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { labelText, parseLabelText } from '../../src/exposition/labels.js';
import { escapeFamilies, escapeLabelText, escapeMetricName, ESCAPINGS } from '../../src/exposition/name-escaping.js';
import { renderText } from '../../src/exposition/render.js';
import { OPENMETRICS, TEXT } from '../../src/exposition/text-dialect.js';
import type { MetricFamily } from '../../src/model/metric-family.js';
import { validateMetricName } from '../../src/model/naming.js';
import { needs } from '../support/needs.js';
import { checkMetrics, openMetricsProblems } from '../support/promtool.js';

const FAMILY: MetricFamily = {
  name: 'http.requests_total',
  help: 'Requests.',
  type: 'counter',
  samples: [
    { name: 'http.requests_total', labels: { 'http.method': 'GET', code: 'x,' }, value: 3 },
    { name: 'http.requests_created', labels: { 'http.method': 'GET', code: 'x,' }, value: 1700000000 },
  ],
};

/** Returns the sample lines in OpenMetrics. */
function lines(escaping: (typeof ESCAPINGS)[number]): string[] {
  return renderText([FAMILY], OPENMETRICS, { escaping })
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# HELP') && line !== '# EOF');
}

describe('UTF-8 names', () => {
  it('are escaped as Prometheus escapes them', () => {
    // github.com/prometheus/common, model/metric_test.go
    const cases: readonly (readonly [name: string, underscores: string, dots: string, values: string])[] = [
      ['no:escaping_required', 'no:escaping_required', 'no:escaping__required', 'no:escaping_required'],
      [
        'mysystem.prod.west.cpu.load',
        'mysystem_prod_west_cpu_load',
        'mysystem_dot_prod_dot_west_dot_cpu_dot_load',
        'U__mysystem_2e_prod_2e_west_2e_cpu_2e_load',
      ],
      [
        'mysystem.prod.west.cpu.load_total',
        'mysystem_prod_west_cpu_load_total',
        'mysystem_dot_prod_dot_west_dot_cpu_dot_load__total',
        'U__mysystem_2e_prod_2e_west_2e_cpu_2e_load__total',
      ],
      ['http.status:sum', 'http_status:sum', 'http_dot_status:sum', 'U__http_2e_status:sum'],
      ['label with 😱', 'label_with__', 'label__with____', 'U__label_20_with_20__1f631_'],
      ['花火', '__', '____', 'U___82b1__706b_'],
    ];
    for (const [name, ...expected] of cases) {
      assert.deepEqual(
        [escapeMetricName(name, 'underscores'), escapeMetricName(name, 'dots'), escapeMetricName(name, 'values')],
        expected,
      );
      assert.equal(escapeMetricName(name, 'allow-utf-8'), name);
    }
  });

  it('are in quotes if the format allows them, and are escaped otherwise', () => {
    assert.deepEqual(lines('allow-utf-8'), [
      '# TYPE "http.requests" counter',
      '{"http.requests_total","http.method"="GET",code="x,"} 3',
      '{"http.requests_created","http.method"="GET",code="x,"} 1700000000',
    ]);
    assert.deepEqual(lines('underscores'), [
      '# TYPE http_requests counter',
      'http_requests_total{http_method="GET",code="x,"} 3',
      'http_requests_created{http_method="GET",code="x,"} 1700000000',
    ]);
    assert.deepEqual(lines('dots').slice(1), [
      'http_dot_requests__total{http_dot_method="GET",code="x,"} 3',
      'http_dot_requests__created{http_dot_method="GET",code="x,"} 1700000000',
    ]);
    assert.deepEqual(lines('values').slice(1), [
      'U__http_2e_requests__total{U__http_2e_method="GET",code="x,"} 3',
      'U__http_2e_requests__created{U__http_2e_method="GET",code="x,"} 1700000000',
    ]);
  });

  it('may become equal: then the first family is shown, and the values of labels are joined', () => {
    const gauge = (name: string, labels: Record<string, string>): MetricFamily => ({
      name,
      help: 'h',
      type: 'gauge',
      samples: [{ name, labels, value: 1 }],
    });
    const families = [gauge('a.b', { 'x.y': '1', x_y: '2' }), gauge('a_b', {}), gauge('a-b', {})];
    assert.deepEqual(
      escapeFamilies(families, 'underscores').map(({ name, samples }) => [name, { ...samples[0].labels }]),
      [['a_b', { x_y: '1;2' }]],
    );
    assert.equal(escapeFamilies(families, 'values').length, 3);
    assert.deepEqual(escapeFamilies(families, 'allow-utf-8'), families);
  });

  it('are accepted by promtool in every escaping that Prometheus 2 reads, of every type', needs('prometheus'), () => {
    const samplesOf = (suffixes: Readonly<Record<string, object>>, name: string): MetricFamily['samples'] =>
      Object.entries(suffixes).map(([suffix, labels]) => ({
        ...{ name: name + suffix, labels: { ...labels, 'http.method': 'GET', 花: '火' }, value: 1 },
      }));
    const families: MetricFamily[] = [
      FAMILY,
      { name: 'queue.length', help: 'h', type: 'gauge', samples: samplesOf({ '': {} }, 'queue.length') },
      {
        ...{ name: 'took.seconds', help: 'h', type: 'histogram' },
        samples: samplesOf({ _bucket: { le: '+Inf' }, _sum: {}, _count: {} }, 'took.seconds'),
      },
      {
        ...{ name: 'waits seconds', help: 'h', type: 'summary' },
        samples: samplesOf({ '': { quantile: '0.5' }, _sum: {}, _count: {} }, 'waits seconds'),
      },
    ];
    for (const escaping of ['underscores', 'dots', 'values'] as const) {
      const { parses, problems } = checkMetrics(renderText(families, TEXT, { escaping }));
      assert.ok(parses, problems.join());
      assert.deepEqual(openMetricsProblems(renderText(families, OPENMETRICS, { escaping })), []);
    }
    assert.ok(
      !checkMetrics(renderText(families, TEXT, { escaping: 'allow-utf-8' })).parses,
      'promtool 2 reads no UTF-8 names',
    );
  });

  it('of any kind are legal after escaping, and are unchanged in a text that allows them', () => {
    const name = fc.string({ unit: 'binary', minLength: 1 }).map((text) => Buffer.from(text).toString());
    fc.assert(
      fc.property(name, fc.dictionary(name, name), (metric, labels) => {
        for (const escaping of ESCAPINGS.slice(1)) assert.ok(validateMetricName(escapeMetricName(metric, escaping)));
        const text = labelText(labels);
        assert.deepEqual({ ...parseLabelText(text) }, { ...labels });
        for (const escaping of ESCAPINGS.slice(1)) {
          const names = Object.keys(parseLabelText(escapeLabelText(text, escaping)));
          for (const each of names) assert.match(each, /^[a-zA-Z_][a-zA-Z0-9_]*$/);
        }
      }),
    );
  });
});
