import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrapeBudgetMs } from '../../../src/serve/answer/scrape-timeout.js';

const LIMITS = { timeoutMs: 60_000, offsetMs: 500 };

const CASES: readonly (readonly [header: string | undefined, budgetMs: number, why: string])[] = [
  [undefined, 60_000, 'no header'],
  ['10', 9500, "Prometheus' default"],
  ['0.75', 375, 'the offset never takes more than half'],
  ['0.0001', 1, 'time to answer at all'],
  ['120', 60_000, 'no header asks for more than the limit'],
  ['999999999', 60_000, 'nor overflows a timer'],
  ['0', 60_000, 'not a timeout'],
  ['-1', 60_000, 'not a timeout'],
  ['1e3', 60_000, 'not as Prometheus writes it'],
  ['10, 10', 60_000, 'sent twice'],
  ['Infinity', 60_000, 'not a number of seconds'],
  ['', 60_000, 'empty'],
  [' 10', 60_000, 'padded'],
  [`1${'0'.repeat(400)}`, 60_000, 'endless'],
];

for (const [header, budgetMs, why] of CASES) {
  test(`scrape timeout ${JSON.stringify(header?.slice(0, 20))} leaves ${budgetMs} ms: ${why}`, () => {
    assert.equal(scrapeBudgetMs(header, LIMITS), budgetMs);
  });
}
