import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { codingFor, encoded, OFFERED_CODINGS } from '../../src/serve/compression.js';

const hasZstd = 'zstdCompress' in zlib;

test('what is offered is what this Node can do', () => {
  assert.deepEqual(OFFERED_CODINGS, hasZstd ? ['zstd', 'gzip', 'identity'] : ['gzip', 'identity']);
  assert.equal(codingFor('zstd', 5000), hasZstd ? 'zstd' : 'identity');
});

test('a tiny body is not compressed, unless the client refuses it as it is', () => {
  assert.equal(codingFor('gzip', 1023), 'identity');
  assert.equal(codingFor('gzip', 1024), 'gzip');
  assert.equal(codingFor('gzip, identity;q=0', 10), 'gzip');
});

test('answers from one body share one compression of it', async () => {
  const body = Buffer.from('a_total 1\n'.repeat(1000));
  const [one, other] = [encoded(body, 'gzip'), encoded(body, 'gzip')];
  assert.equal(one, other);
  assert.deepEqual(zlib.gunzipSync(await one), body);
  assert.notEqual(encoded(Buffer.from(body), 'gzip'), one);
});

test('a body that is not compressed is the body itself', () => {
  const body = Buffer.from('a 1\n');
  assert.equal(encoded(body, 'identity'), body);
});
