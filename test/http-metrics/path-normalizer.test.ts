import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OTHER, PathNormalizer } from '../../src/http-metrics/path-normalizer.js';

const CASES: readonly [url: string, path: string][] = [
  ['/', '/'],
  ['', '/'],
  ['/users', '/users'],
  ['/users/', '/users'],
  ['//users', '/users'],
  ['/users?page=2&x=/a/b', '/users'],
  ['/users#top', '/users'],
  ['/users/17', '/users/:number'],
  ['/users/-17.5/orders', '/users/:number/orders'],
  ['/v1/users/17', '/v1/users/:number'],
  ['/orders/2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d', '/orders/:uuid'],
  ['/orders/2C5EA4C0-4067-11E9-8BAD-9B1DEB4D3B7D/items', '/orders/:uuid/items'],
  ['/docs/507f1f77bcf86cd799439011', '/docs/:hash'],
  ['/blob/da39a3ee5e6b4b0d3255bfef95601890afd80709', '/blob/:hash'],
  ['/days/2026-11-21', '/days/:date'],
  ['/mail/ann.lee@mail.example.org', '/mail/:email'],
  // what took time by the square of its length
  [`/mail/a@${'.'.repeat(2000)}@`, '/mail/:long'],
  ['/mail/ann@example.org', '/mail/:email'],
  ['/t/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0', '/t/:token'],
  ['/items/item-17', '/items/:name'],
  ['/café/menü', '/café/menü'],
  ['/facade/deface', '/facade/deface'],
  [`/x/${'y'.repeat(100)}`, '/x/:long'],
  ['/1/2/3/4/5/6/7/8/9/10/11/12', `${'/:number'.repeat(10)}/…`],
  [`/${'a'.repeat(3000)}`, OTHER],
];

for (const [url, path] of CASES) {
  test(`${JSON.stringify(url.slice(0, 60))} is ${path}`, () => {
    assert.equal(new PathNormalizer().normalize(url), path);
  });
}

test('whatever paths an attacker sends, there are no more label values than the limit and one', () => {
  fc.assert(
    fc.property(fc.array(fc.webPath(), { minLength: 50, maxLength: 300 }), (urls) => {
      const normalizer = new PathNormalizer(undefined, 20);
      assert.ok(new Set(urls.map((url) => normalizer.normalize(url))).size <= 21);
    }),
    { numRuns: 50 },
  );
});

test('a path that was there before the limit was reached keeps its name', () => {
  const normalizer = new PathNormalizer(undefined, 2);
  assert.deepEqual(
    ['/a', '/b', '/c', '/a', '/d', '/b'].map((url) => normalizer.normalize(url)),
    ['/a', '/b', OTHER, '/a', OTHER, '/b'],
  );
});

test('rules of one’s own take the place of the usual ones', () => {
  const normalizer = new PathNormalizer([{ pattern: /^[a-z]{2}-[A-Z]{2}$/, placeholder: ':locale' }]);
  assert.equal(normalizer.normalize('/en-GB/users/17'), '/:locale/users/17');
});
