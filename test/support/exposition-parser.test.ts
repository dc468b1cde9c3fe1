import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { assertHistogramsAreSound, assertNoDuplicateSeries, parseExposition, valueOf } from './exposition-parser.js';

const gauge = (lines: string): string => `# HELP a h\n# TYPE a gauge\n${lines}`;
const counter = (lines: string): string => `# HELP a h\n# TYPE a counter\n${lines}# EOF\n`;
const histogram = (lines: string): string => `# HELP a h\n# TYPE a histogram\n${lines}`;

describe('the strict parser', () => {
  it('reads names, labels, values and exemplars', () => {
    assert.deepEqual(parseExposition(counter('a_total{x="1\\n",y=""} 2 # {t="\\\\"} 0.5 1.25\n')), {
      format: 'openmetrics',
      families: [
        {
          name: 'a',
          help: 'h',
          type: 'counter',
          samples: [
            {
              name: 'a_total',
              labels: { x: '1\n', y: '' },
              value: 2,
              exemplar: { labels: { t: '\\' }, value: 0.5, timestamp: 1.25 },
            },
          ],
        },
      ],
      samples: [
        {
          name: 'a_total',
          labels: { x: '1\n', y: '' },
          value: 2,
          exemplar: { labels: { t: '\\' }, value: 0.5, timestamp: 1.25 },
        },
      ],
    });
    assert.equal(valueOf(gauge('a -Inf\n'), 'a'), -Infinity);
    assert.equal(valueOf(gauge('a{x="1",y="2"} 3\n'), 'a', { y: '2', x: '1' }), 3);
    assert.equal(valueOf(gauge('a 3\n'), 'b'), undefined);
  });

  const refused: Record<string, string> = {
    'no newline at the end': gauge('a 1'),
    'a comment': gauge('# forged\na 1\n'),
    'a sample without a family': 'a 1\n',
    'a sample of another family': gauge('b 1\n'),
    'a family twice': `${gauge('a 1\n')}\n# HELP b h\n# TYPE b gauge\nb 1\n\n${gauge('a 2\n')}`,
    'metadata after samples': gauge('a 1\n# TYPE a gauge\n'),
    'an unknown type': '# HELP a h\n# TYPE a untypical\n',
    'a type of the other format': '# HELP a h\n# TYPE a unknown\na 1\n',
    'no space before the value': gauge('a{x="1"}1\n'),
    'two spaces before the value': gauge('a  1\n'),
    'no value': gauge('a \n'),
    'a value that is none': gauge('a one\n'),
    'a value of hexadecimal digits': gauge('a 0x10\n'),
    'something after the value': gauge('a 1 x\n'),
    'a quote inside a value': gauge('a{x="1"2"} 1\n'),
    'a wrong escape': gauge('a{x="\\t"} 1\n'),
    'a label without quotes': gauge('a{x=1} 1\n'),
    'a trailing comma': gauge('a{x="1",} 1\n'),
    'a label twice': gauge('a{x="1",x="2"} 1\n'),
    'a wrong label name': gauge('a{x-y="1"} 1\n'),
    'a wrong name': gauge('a-b 1\n'),
    'half a surrogate pair': gauge('a{x="\ud800"} 1\n'),
    'an exemplar in text': gauge('a 1 # {} 1\n'),
    'a bucket without le': histogram('a_bucket 1\n'),
    'a UNIT in text': '# HELP a_s h\n# TYPE a_s gauge\n# UNIT a_s s\na_s 1\n',
    'a blank line in OpenMetrics': counter('\na_total 1\n'),
    'a counter of OpenMetrics without _total': counter('a 1\n'),
    'an EOF in the middle': counter('# EOF\na_total 1\n'),
    'a quote in a help text of OpenMetrics': '# HELP a "h"\n# TYPE a gauge\na 1\n# EOF\n',
    'an exemplar on a created sample': counter('a_created 1 # {} 1\n'),
  };
  for (const [what, text] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => parseExposition(text), SyntaxError);
    });
  }

  it('finds duplicate series, whatever the order of labels is, and treats an empty label as absent', () => {
    assertNoDuplicateSeries(gauge('a{x="1",y="2"} 1\na{x="2",y="1"} 1\na 1\n'));
    assert.throws(() => assertNoDuplicateSeries(gauge('a{x="1",y="2"} 1\na{y="2",x="1"} 1\n')), /there twice/);
    assert.throws(() => assertNoDuplicateSeries(gauge('a{x=""} 1\na 1\n')), /there twice/);
  });

  it('finds histograms whose buckets are not sorted, not cumulative or do not end with +Inf', () => {
    const end = 'a_bucket{le="+Inf"} 2\na_sum 3\na_count 2\n';
    assertHistogramsAreSound(histogram(`a_bucket{le="1"} 1\na_bucket{le="2"} 2\n${end}`));
    assert.throws(
      () => assertHistogramsAreSound(histogram(`a_bucket{le="2"} 1\na_bucket{le="1"} 2\n${end}`)),
      /after 2/,
    );
    assert.throws(
      () => assertHistogramsAreSound(histogram(`a_bucket{le="1"} 2\na_bucket{le="2"} 1\n${end}`)),
      /after 2/,
    );
    assert.throws(() => assertHistogramsAreSound(histogram('a_bucket{le="1"} 1\na_count 1\n')), /\+Inf/);
    assert.throws(() => assertHistogramsAreSound(histogram('a_bucket{le="+Inf"} 1\na_count 2\n')), /the count/);
  });
});
