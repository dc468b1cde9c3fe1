import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkRoutePath, requestPath } from '../../src/serve/route.js';

const CASES: readonly (readonly [target: string, path: string])[] = [
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
  ['//metrics', 'trick'],
  ['/metrics//', 'trick'],
  ['/./metrics', 'trick'],
  ['/a/../metrics', 'trick'],
  ['/a/..', 'trick'],
  ['/%2e%2e/metrics', 'trick'],
  ['/a%2Fmetrics', 'trick'],
  ['/a\\metrics', 'trick'],
  ['/a%5cmetrics', 'trick'],
  ['/metrics%00', 'trick'],
  ['/%252e%252e/metrics', 'trick'],
  ['http://other.example//metrics', 'trick'],
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
