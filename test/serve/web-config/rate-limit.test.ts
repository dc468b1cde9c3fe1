import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenBucket } from '../../../src/serve/web-config/rate-limit.js';
import { ask } from '../../support/http-request.js';
import { withTempDir } from '../../support/temp-dir.js';
import { serving } from '../serving.js';
import { SECRET_HASH, WebConfigFile } from './web-config-file.js';

test('a bucket lets a burst through and then one request an interval', () => {
  let nowMs = 1000;
  const bucket = new TokenBucket({ intervalMs: 100, burst: 2 }, () => nowMs);
  assert.deepEqual([bucket.take(), bucket.take(), bucket.take()], [0, 0, 100]);
  nowMs += 40;
  assert.equal(bucket.take(), 60);
  nowMs += 60;
  assert.deepEqual([bucket.take(), bucket.take()], [0, 100]);
});

test('a long pause fills no more than the burst', () => {
  let nowMs = 0;
  const bucket = new TokenBucket({ intervalMs: 100, burst: 3 }, () => nowMs);
  nowMs += 1e9;
  assert.deepEqual(
    [1, 2, 3, 4].map(() => bucket.take() === 0),
    [true, true, true, false],
  );
});

test('requests beyond the rate are answered 429, before any password is looked at', async (t) => {
  const file = new WebConfigFile(
    withTempDir(t),
    `rate_limit:\n  interval: 1h\n  burst: 2\nbasic_auth_users:\n  alice: ${SECRET_HASH}\n`,
  );
  const { url } = await serving(t, { webConfigFile: file.path });
  assert.equal((await ask(`${url}/metrics`)).status, 401);
  assert.equal((await ask(`${url}/nothing`)).status, 401);
  const { status, headers } = await ask(`${url}/metrics`);
  assert.equal(status, 429);
  assert.ok(Number(headers['retry-after']) > 3000 && Number(headers['retry-after']) <= 3600);

  // a reload for another reason leaves the bucket as empty as it was
  file.replace(`rate_limit:\n  interval: 1h\n  burst: 2\nbasic_auth_users:\n  bob: ${SECRET_HASH}\n`);
  assert.equal((await ask(`${url}/metrics`)).status, 429);
  file.replace(`rate_limit:\n  interval: 0\nbasic_auth_users:\n  bob: ${SECRET_HASH}\n`);
  assert.equal((await ask(`${url}/metrics`)).status, 401);
});
