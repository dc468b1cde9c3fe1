import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lintFamilies } from '../../src/exposition/lint.js';
import { renderText } from '../../src/exposition/render.js';
import { TEXT } from '../../src/exposition/text-dialect.js';
import type { MetricFamily } from '../../src/model/metric-family.js';
import { checkMetrics } from '../support/promtool.js';
import { needs } from '../support/needs.js';

function family(type: 'counter' | 'gauge', name: string, help = 'Help', labels = {}): MetricFamily {
  return { name, help, type, samples: [{ name, labels, value: 1 }] };
}

const FAMILIES: readonly MetricFamily[] = [
  family('counter', 'http_requests_total'),
  family('gauge', 'queue_length', 'Jobs', { queue: 'mail' }),
  family('gauge', 'without_help', ''),
  family('counter', 'jobs_done'),
  family('gauge', 'memory_total'),
  family('gauge', 'delay_milliseconds'),
  family('gauge', 'cache_kilobytes'),
  family('gauge', 'requests_count'),
  family('gauge', 'requests_sum'),
  family('gauge', 'requests_bucket'),
  family('gauge', 'with_le', 'Help', { le: '1' }),
  family('gauge', 'with_quantile', 'Help', { quantile: '0.5' }),
  family('gauge', 'queue_gauge'),
  family('gauge', 'job:rate'),
  family('gauge', 'queueLength'),
  family('gauge', 'labelled', 'Help', { queueName: 'mail' }),
  family('gauge', 'delay_ms'),
];

for (const each of FAMILIES) {
  test(`promtool and lintFamilies report the same for ${each.name}`, needs('prometheus'), () => {
    const ours = lintFamilies([each]).map(({ metric, text }) => `${metric} ${text}`);
    const { parses, problems } = checkMetrics(renderText([each], TEXT));
    assert.ok(parses, problems.join('\n'));
    assert.deepEqual(ours.toSorted(), [...problems].toSorted());
  });
}
