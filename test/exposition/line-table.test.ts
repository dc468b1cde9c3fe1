import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { LineTable } from '../../src/exposition/line-table.js';
import { formatNumber } from '../../src/exposition/number.js';

const values = fc.oneof(fc.constantFrom(0, -0, 1, NaN, Infinity, -Infinity, 0.1), fc.maxSafeInteger(), fc.double());

const round = (lines: number) =>
  fc.record({
    values: fc.array(values, { minLength: lines, maxLength: lines }),
    tails: fc.array(fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }), { maxLength: lines }),
  });

describe('a table of lines', () => {
  it('renders the lines with every new set of values', () => {
    const line = fc.record({
      header: fc.string({ unit: 'grapheme' }),
      prefix: fc.string({ unit: 'grapheme', maxLength: 120 }),
      first: values,
    });
    const tables = fc
      .array(line)
      .chain((lines) => fc.tuple(fc.constant(lines), fc.array(round(lines.length), { maxLength: 5 }), fc.boolean()));
    fc.assert(
      fc.property(tables, ([lines, rounds, isShared]) => {
        const table = new LineTable();
        for (const { header, prefix, first } of lines) {
          table.addText(header);
          table.addLine(prefix, first);
        }
        table.addText('the end');
        if (isShared) table.leaveMemory();
        const rendered = rounds.map((each) =>
          Buffer.from(table.render(new Float64Array(each.values), each.tails)).toString(),
        );
        const expected = rounds.map((each) => {
          const texts = lines.map(
            ({ header, prefix }, at) => `${header}${prefix}${formatNumber(each.values[at])}${each.tails[at] ?? ''}\n`,
          );
          return `${texts.join('')}the end`;
        });
        assert.deepEqual(rendered, expected);
      }),
      { numRuns: 300 },
    );
  });

  it('grows with the number of its lines and with their values and tails', () => {
    const table = new LineTable();
    const prefixes = Array.from({ length: 5000 }, (_, at) => `line_${at}{a="${'é'.repeat(at % 50)}"} `);
    for (const prefix of prefixes) table.addLine(prefix, 0);
    assert.equal(table.lines, 5000);
    for (const value of [0, -1.2345678901234567e-6, 7]) {
      const tails = prefixes.map((_, at) => (at % 3 === 0 ? ` # {a="${'😀'.repeat(60)}"} 1` : undefined));
      const text = Buffer.from(table.render(new Float64Array(5000).fill(value), tails)).toString();
      assert.equal(text, prefixes.map((prefix, at) => `${prefix}${formatNumber(value)}${tails[at] ?? ''}\n`).join(''));
    }
  });
});
