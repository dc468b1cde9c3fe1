import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AcceptedCodings, type ContentCoding } from '../../../src/serve/answer/accept-encoding.js';

const OFFERED: readonly ContentCoding[] = ['zstd', 'gzip', 'identity'];

const CASES: readonly (readonly [header: string | undefined, expected: ContentCoding])[] = [
  [undefined, 'identity'],
  ['', 'identity'],
  ['gzip', 'gzip'],
  ['GZip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['gzip, zstd', 'zstd'],
  ['gzip;q=1.0, zstd;q=0.9', 'gzip'],
  ['gzip;q=0.2, identity;q=0.7', 'identity'],
  ['gzip;q=0', 'identity'],
  ['gzip;q=0.000, *;q=0.001', 'zstd'],
  ['*', 'zstd'],
  ['*;q=0', 'identity'],
  ['identity;q=0, gzip;q=0.001', 'gzip'],
  ['br, deflate', 'identity'],
  ['br;q=1.0, gzip;q=0.8, *;q=0.1', 'gzip'],
  ['gzip ; Q=0.5', 'gzip'],
  // broken weights refuse the coding that they stand at, and nothing else
  ['gzip;q=2', 'identity'],
  ['gzip;q=-1', 'identity'],
  ['gzip;q=0.1234', 'identity'],
  ['gzip;q=', 'identity'],
  ['gzip;q=1;q=1', 'identity'],
  ['gzip;q=NaN, zstd', 'zstd'],
  [',,,;;;,q=1,gzip', 'gzip'],
];

for (const [header, expected] of CASES) {
  test(`Accept-Encoding ${JSON.stringify(header)} is answered with ${expected}`, () => {
    assert.equal(new AcceptedCodings(header).best(OFFERED), expected);
  });
}

test('any header leads to a coding that is offered and was not refused', () => {
  const part = fc.oneof(
    fc.constantFrom('gzip', 'zstd', 'identity', '*', ';q=0', ';q=1', ';q=0.5', ',', ' '),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const accepted = new AcceptedCodings(parts.join(''));
      const chosen = accepted.best(OFFERED);
      assert.ok(OFFERED.includes(chosen));
      assert.ok(chosen === 'identity' || accepted.weightOf(chosen) > 0);
    }),
  );
});
