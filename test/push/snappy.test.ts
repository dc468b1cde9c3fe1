import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compressSnappy } from '../../src/push/snappy.js';
import { uncompressSnappy } from '../support/push-receiver.js';

test('what is compressed can be read back, whatever it is', () => {
  const pieces = fc.array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constant(Buffer.from('http_requests_total')),
      fc.constant(new Uint8Array(70_000)),
    ),
    {
      maxLength: 12,
    },
  );
  fc.assert(
    fc.property(pieces, (parts) => {
      const input = Buffer.concat(parts);
      assert.deepEqual(Buffer.from(uncompressSnappy(compressSnappy(input))), input);
    }),
    { numRuns: 200 },
  );
});

test('labels that repeat make a message small, and bytes without repetition hardly make it larger', () => {
  const lines = Array.from(
    { length: 2000 },
    (_, at) => `__name__http_request_duration_seconds_bucketle0.5route/api/v1/things/${at}`,
  );
  const text = Buffer.from(lines.join());
  assert.ok(compressSnappy(text).length < text.length / 5);
  let seed = 1;
  const noise = Buffer.from(Array.from({ length: 100_000 }, () => (seed = (seed * 48_271) % 0x7fff_ffff) & 0xff));
  assert.ok(compressSnappy(noise).length < noise.length * 1.01);
});
