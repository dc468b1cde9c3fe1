import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scrapeBudgetMs } from '../../../src/serve/answer/scrape-timeout.js';

const LIMITS = { timeoutMs: 60_000, offsetMs: 500 };

const BUDGETS: readonly (readonly [header: string, budgetMs: number, why: string])[] = [
  ['10', 9500, "Prometheus' default"],
  ['0.75', 375, 'the offset never takes more than half'],
  ['0.0001', 1, 'time to answer at all'],
  ['120', LIMITS.timeoutMs, 'no header asks for more than the limit'],
  ['999999999', LIMITS.timeoutMs, 'nor overflows a timer'],
];

const NO_TIMEOUTS: Readonly<Record<string, string>> = {
  '0': 'no time',
  '-1': 'less than no time',
  '1e3': 'not as Prometheus writes it',
  '10, 10': 'sent twice',
  Infinity: 'not a number of seconds',
  '': 'empty',
  ' 10': 'padded',
  [`1${'0'.repeat(400)}`]: 'endless',
};

for (const [header, budgetMs, why] of BUDGETS) {
  test(`scrape timeout ${header} leaves ${budgetMs} ms: ${why}`, () => {
    assert.equal(scrapeBudgetMs(header, LIMITS), budgetMs);
  });
}

test('a header that is no timeout, or none, leaves the limit', () => {
  assert.equal(scrapeBudgetMs(undefined, LIMITS), LIMITS.timeoutMs);
  for (const [header, why] of Object.entries(NO_TIMEOUTS)) {
    assert.equal(scrapeBudgetMs(header, LIMITS), LIMITS.timeoutMs, why);
  }
});
