import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { escapeHelp, escapeLabelValue } from '../../src/exposition/escape.js';
import { OPENMETRICS, TEXT } from '../../src/exposition/text-dialect.js';
import { escapeLabelText } from '../../src/exposition/name-escaping.js';
import {
  exemplarSuffix,
  joinLabelTexts,
  labelText,
  parseLabelText,
  samplePrefix,
} from '../../src/exposition/labels.js';
import { parseExposition } from '../support/exposition-parser.js';

/** Text that the files of other users may hold: every way in which it could end a line or a quote, or break a parser. */
const HOSTILE = [
  'x"} 1\nforged_total 1e9\n# EOF\n',
  '\\',
  '\\\\n',
  '\\"',
  '"',
  '\n',
  '\r\n',
  '\u2028\u2029\u0085\v\f',
  '\0',
  '\ud800',
  'a\udc00b',
  '{}=,# ',
  ' ',
  '',
  '😀',
  '\ufeff',
];
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.constantFrom(...HOSTILE)).map((parts) => parts.join('')),
);
const labelName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,5}$/);
const labels = fc.dictionary(labelName, text, { maxKeys: 5 });

/** The text after a round trip through UTF-8. */
const inUtf8 = (value: string): string => Buffer.from(value).toString();

describe('a label value', () => {
  it('has backslash, quote and newline escaped, and nothing else', () => {
    assert.equal(escapeLabelValue('a\\b"c\nd'), 'a\\\\b\\"c\\nd');
    assert.equal(escapeLabelValue(`it's 100 %\t\r\0 é 😀 \u2028`), `it's 100 %\t\r\0 é 😀 \u2028`);
    assert.equal(escapeLabelValue(''), '');
  });

  it('that is not valid UTF-16 is printed like its UTF-8 encoding', () => {
    assert.equal(escapeLabelValue('a\ud800"'), 'a\ufffd\\"');
  });
});

describe('a help text', () => {
  it('keeps its quotes in text 0.0.4 and escapes them in OpenMetrics', () => {
    assert.equal(escapeHelp('a\\b"c\nd', false), 'a\\\\b"c\\nd');
    assert.equal(escapeHelp('a\\b"c\nd', true), 'a\\\\b\\"c\\nd');
  });

  it('is read back unchanged from both formats', () => {
    fc.assert(
      fc.property(text, fc.constantFrom(TEXT, OPENMETRICS), (help, { name: format, quotesHelp, end }) => {
        const header = `# HELP a ${escapeHelp(help, quotesHelp)}\n# TYPE a gauge\na 1\n`;
        assert.equal(parseExposition(header + end, format).families[0].help, inUtf8(help));
      }),
    );
  });
});

describe('labels', () => {
  it('are in the given order, separated by commas', () => {
    assert.equal(labelText({ b: '1', a: 'x"y' }), 'b="1",a="x\\"y"');
    assert.equal(labelText({}), '');
    assert.equal(joinLabelTexts('le="1"', '', 'a="x"'), 'le="1",a="x"');
    assert.equal(joinLabelTexts('', ''), '');
  });

  it('are between the name and the value', () => {
    assert.equal(samplePrefix('jobs_total', ''), 'jobs_total ');
    assert.equal(samplePrefix('jobs_total', 'a="x"'), 'jobs_total{a="x"} ');
  });

  it('are read back unchanged, whatever they contain', () => {
    fc.assert(
      fc.property(labels, (given) => {
        const line = `${samplePrefix('a', labelText(given))}1`;
        const { samples } = parseExposition(`# HELP a h\n# TYPE a gauge\n${line}\n`, 'text');
        const expected = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, inUtf8(value)]));
        assert.deepEqual(samples, [{ name: 'a', labels: expected, value: 1 }]);
        assert.deepEqual(Object.entries(parseLabelText(labelText(given))), Object.entries(expected));
      }),
      { numRuns: 500 },
    );
  });

  it('with invalid names cannot break the line', () => {
    const shown = labelText({ 'a"} 1\nb': 'x', '1': 'y', '': 'z', 'é-': 'w' });
    assert.equal(shown, '"1"="y","a\\"} 1\\nb"="x",_="z","é-"="w"');
    assert.deepEqual(Object.keys(parseLabelText(shown)), ['1', 'a"} 1\nb', '_', 'é-']);
    assert.equal(escapeLabelText(shown, 'underscores'), '_="y;z",a___1_b="x",__="w"');
  });
});

describe('an exemplar', () => {
  it('is after the value, with its time if it has one', () => {
    const traced = { labels: { trace_id: '4bf9"' }, value: 0.7 };
    assert.equal(
      exemplarSuffix({ ...traced, timestamp: 1700000000.123 }),
      ' # {trace_id="4bf9\\""} 0.7 1700000000.123',
    );
    assert.equal(exemplarSuffix(traced), ' # {trace_id="4bf9\\""} 0.7');
    assert.equal(exemplarSuffix({ labels: {}, value: Infinity, timestamp: NaN }), ' # {} +Inf');
  });
});
