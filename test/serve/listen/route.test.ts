import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkRoutePath, requestPath } from '../../../src/serve/listen/route.js';

const CASES: readonly (readonly [target: string, path: string | undefined])[] = [
  ['/metrics', '/metrics'],
  ['/metrics?name=x', '/metrics'],
  ['/metrics?a=/../b', '/metrics'],
  ['/metrics#part', '/metrics'],
  ['/metrics/', '/metrics/'],
  ['/METRICS', '/METRICS'],
  ['/%6detrics', '/%6detrics'],
  ['/metrics;v=1', '/metrics;v=1'],
  ['http://other.example/metrics?x', '/metrics'],
  ['http://other.example', '/'],
  ['*', '*'],
  ['/', '/'],
  ['//metrics', undefined],
  ['/metrics//', undefined],
  ['/./metrics', undefined],
  ['/a/../metrics', undefined],
  ['/a/..', undefined],
  ['/%2e%2e/metrics', undefined],
  ['/a%2Fmetrics', undefined],
  ['/a\\metrics', undefined],
  ['/a%5cmetrics', undefined],
  ['/metrics%00', undefined],
  ['/%252e%252e/metrics', undefined],
  ['http://other.example//metrics', undefined],
];

for (const [target, path] of CASES) {
  test(`the request target ${target} names ${path}`, () => assert.equal(requestPath(target), path));
}

test('only the exact path reaches a page, whatever else is put around it', () => {
  const piece = fc.oneof(
    fc.constantFrom('/', '.', '..', '%2e', '%2f', '\\', ';', 'metrics', '//', '%00', ' '),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const target = `/${pieces.join('')}`;
      if (requestPath(target) === '/metrics') assert.match(target, /^\/metrics(?:[?#]|$)/);
    }),
  );
});

for (const path of ['metrics', '', '/a b', '/a?b', '/a//b', '/a/../b', '/a%20b', '/é', '/a#b']) {
  test(`the route ${JSON.stringify(path)} is refused, for no request could name it`, () => {
    assert.throws(() => checkRoutePath('path', path), { code: 'ERR_INVALID_ARGUMENT' });
  });
}
