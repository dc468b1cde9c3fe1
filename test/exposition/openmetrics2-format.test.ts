import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatOf } from '../../src/exposition/formats.js';
import { negotiateFormat } from '../../src/exposition/negotiate.js';
import { MultiprocessCollector } from '../../src/index.js';
import type { Exemplar, MetricFamily, Sample } from '../../src/model/metric-family.js';
import type { NativeHistogram } from '../../src/model/native-histogram.js';
import { DeadProcess } from '../support/dead-process.js';
import { parseExposition } from '../support/exposition-parser.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';

const VERSION_2 = 'application/openmetrics-text; version=2.0.0; charset=utf-8';
const FORMAT = formatOf('openmetrics2');

function traced(trace: string, value: number, timestamp?: number): Exemplar {
  return { labels: { trace_id: trace }, value, ...(timestamp !== undefined && { timestamp }) };
}

function text(families: readonly MetricFamily[], escaping?: 'allow-utf-8'): string {
  return Buffer.from(FORMAT.render(families, { escaping })).toString();
}

const NATIVE: NativeHistogram = {
  ...{ schema: 3, zeroThreshold: 0.5, zeroCount: 4 },
  negative: [[1, 2]],
  positive: [
    [-1, 5],
    [0, 7],
    [2, 10],
    [7, 1],
  ],
};

function histogram(name: string, buckets: readonly Sample[], native?: NativeHistogram): MetricFamily {
  return {
    ...{ name, help: 'h', type: 'histogram', unit: 'seconds' },
    samples: [
      ...buckets,
      { name: `${name}_sum`, labels: {}, value: 1.5 },
      { name: `${name}_count`, labels: {}, value: 29, ...(native !== undefined && { native }) },
      { name: `${name}_created`, labels: {}, value: 1700000000.25 },
    ],
  };
}

function bucket(le: string, value: number, exemplar?: Exemplar): Sample {
  return { name: 'took_seconds_bucket', labels: { le }, value, ...(exemplar !== undefined && { exemplar }) };
}

describe('OpenMetrics 2.0', () => {
  it('has a line for each series, with its start time and exemplars that have timestamps', () => {
    const shown = text([
      {
        ...{ name: 'jobs_total', help: 'Jobs by "kind".', type: 'counter' },
        samples: [
          { name: 'jobs_total', labels: { kind: 'mail' }, value: 3, exemplar: traced('a', 1, 1700000001.5) },
          { name: 'jobs_created', labels: { kind: 'mail' }, value: 1700000000.25 },
          { name: 'jobs_total', labels: { kind: 'print' }, value: 4, exemplar: traced('b', 1) },
          { name: 'jobs_created', labels: { kind: 'print' }, value: 1800000000 },
        ],
      },
      histogram('took_seconds', [
        bucket('0.1', 5, traced('c', 0.05, 1700000002)),
        bucket('1', 20),
        bucket('+Inf', 29, traced('d', 7, 1700000003)),
      ]),
      {
        ...{ name: 'wait_seconds', help: 'w', type: 'summary' },
        samples: [
          { name: 'wait_seconds', labels: { quantile: '0.5', path: '/' }, value: 2 },
          { name: 'wait_seconds', labels: { quantile: '0.99', path: '/' }, value: NaN },
          { name: 'wait_seconds_sum', labels: { path: '/' }, value: 13 },
          { name: 'wait_seconds_count', labels: { path: '/' }, value: 2 },
        ],
      },
      { name: 'build', help: 'b', type: 'info', samples: [{ name: 'build_info', labels: { v: '1' }, value: 1 }] },
    ]);
    assert.equal(
      shown,
      `# TYPE jobs_total counter
# HELP jobs_total Jobs by \\"kind\\".
jobs_total{kind="mail"} 3 st@1700000000.25 # {trace_id="a"} 1 1700000001.5
jobs_total{kind="print"} 4 st@1800000000
# TYPE took_seconds histogram
# UNIT took_seconds seconds
# HELP took_seconds h
took_seconds {count:29,sum:1.5,bucket:[0.1:5,1:20,+Inf:29]} st@1700000000.25 # {trace_id="c"} 0.05 1700000002 # {trace_id="d"} 7 1700000003
# TYPE wait_seconds summary
# HELP wait_seconds w
wait_seconds{path="/"} {count:2,sum:13,quantile:[0.5:2,0.99:NaN]}
# TYPE build_info info
# HELP build_info b
build_info{v="1"} 1
# EOF
`,
    );
    assert.equal(text([]), '# EOF\n');
  });

  it('has native histograms, with classic buckets behind them if there are any', () => {
    const fields =
      'schema:3,zero_threshold:0.5,zero_count:4,negative_spans:[1:1],negative_buckets:[2],positive_spans:[-1:4,4:1],positive_buckets:[5,7,0,10,1]';
    const both = histogram('took_seconds', [bucket('1', 20), bucket('+Inf', 29)], NATIVE);
    const native = histogram('took_seconds', [bucket('+Inf', 29)], NATIVE);
    const line = (family: MetricFamily): string => text([family]).split('\n')[3];
    assert.equal(line(both), `took_seconds {count:29,sum:1.5,${fields},bucket:[1:20,+Inf:29]} st@1700000000.25`);
    assert.equal(line(native), `took_seconds {count:29,sum:1.5,${fields}} st@1700000000.25`);
  });

  it('has UTF-8 names in quotes', () => {
    const samples = [{ name: 'http.requests', labels: { 'http.method': 'GET' }, value: 1 }];
    const family: MetricFamily = { name: 'http.requests', help: 'h', type: 'counter', samples };
    assert.equal(
      text([family], 'allow-utf-8'),
      '# TYPE "http.requests" counter\n# HELP "http.requests" h\n{"http.requests","http.method"="GET"} 1\n# EOF\n',
    );
    assert.match(text([family]), /^http_requests\{http_method="GET"\} 1$/m);
  });

  it('is only for requests with its version, where the option allows it', () => {
    const accept = 'application/openmetrics-text;version=2.0.0;escaping=allow-utf-8,application/openmetrics-text;q=0.5';
    assert.deepEqual(negotiateFormat(accept, { openMetrics2: true }), {
      format: 'openmetrics2',
      contentType: `${VERSION_2}; escaping=allow-utf-8`,
      escaping: 'allow-utf-8',
    });
    assert.equal(negotiateFormat(accept).format, 'openmetrics');
    for (const other of ['application/openmetrics-text', '*/*', 'application/*', 'text/plain', '']) {
      assert.notEqual(negotiateFormat(other, { openMetrics2: true }).format, 'openmetrics2', other);
    }
  });
});

/** The samples of the text format that a line stands for. */
function samplesOf(line: string): [name: string, labels: Record<string, string>, value: number][] {
  const [, name, labelText = '', value] = /^(\w+)(?:\{(.*?)\})? (\{.*\}|\S+)/.exec(line)!;
  const labels = Object.fromEntries([...labelText.matchAll(/(\w+)="(.*?)"/g)].map(([, key, of]) => [key, of]));
  if (!value.startsWith('{')) return [[name, labels, Number(value)]];
  const field = (key: string): string | undefined => new RegExp(`[{,]${key}:(\\[.*?\\]|[^,}]*)`).exec(value)?.[1];
  const pairs = (key: string): [string, number][] =>
    [...(field(key) ?? '').matchAll(/([^[,]+):([^,\]]+)/g)].map(([, at, count]) => [at, Number(count)]);
  return [
    ...pairs('bucket').map(([le, count]) => [`${name}_bucket`, { le, ...labels }, count] as never),
    ...pairs('quantile').map(([quantile, shown]) => [name, { quantile, ...labels }, shown] as never),
    [`${name}_sum`, labels, Number(field('sum'))],
    [`${name}_count`, labels, Number(field('count'))],
  ];
}

describe('a collector', () => {
  it('serves OpenMetrics 2.0 with the samples of the text, scrape after scrape', async (t) => {
    const dir = withTempDir(t);
    const counted = new DeadProcess(dir);
    const native = { schema: 3, zeroThreshold: 2 ** -128, maxBuckets: 160 };
    const shape = { help: 'h', type: 'histogram', labelNames: [] } as const;
    counted.declare({ ...shape, name: 'both_seconds', bounds: [0.5, 2], native });
    counted.declare({ ...shape, name: 'classic_seconds', bounds: [0.5, 2] });
    const reading = new Reading(dir);
    for (const value of [0.1, 1, 1, 7]) {
      for (const name of ['both_seconds', 'classic_seconds']) counted.observe(name, [0.5, 2], value);
      counted.show();
      const lines = reading.text('openmetrics2').split('\n');
      const { samples } = parseExposition(reading.text());
      assert.deepEqual(
        lines.filter((line) => line !== '' && !line.startsWith('#')).flatMap(samplesOf),
        samples.map(({ name, labels, value: shown }) => [name, { ...labels }, shown]),
      );
    }
    assert.match(reading.text('openmetrics2'), /^both_seconds \{count:4,.*positive_buckets:\[.*st@\d/m);
    counted.die();
    reading.close();
    const collector = new MultiprocessCollector({ dir, openMetrics2: true, selfMetrics: false });
    const { contentType, body } = await collector.metrics({ accept: 'application/openmetrics-text;version=2.0.0' });
    assert.equal(contentType, VERSION_2);
    assert.match(
      Buffer.from(body).toString(),
      /^classic_seconds \{count:4,sum:9.1,bucket:\[0.5:1,2:3,\+Inf:4\]\} st@/m,
    );
    await collector.close();
  });
});
