import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { Gate } from '../../../src/serve/web-config/gate.js';
import { afterTest } from '../../support/after-test.js';
import { ask, basic } from '../../support/http-request.js';
import { withTempDir } from '../../support/temp-dir.js';
import { SECRET_HASH, WebConfigFile } from './web-config-file.js';

/** A server behind a gate with a bcrypt that only counts, or is as busy as the test wants. */
async function behindGate(t: TestContext, compare: () => Promise<boolean> | undefined) {
  const file = new WebConfigFile(withTempDir(t), `basic_auth_users:\n  alice: ${SECRET_HASH}\n`);
  let comparisons = 0;
  const gate = await Gate.open({
    file: file.path,
    onWarning: (message) => assert.fail(message),
    speakHttp: () => assert.fail('there is no TLS here'),
    comparePassword: () => {
      comparisons++;
      return compare();
    },
  });
  const server = createServer((req, res) => {
    gate.admit(req, res).then(
      (admitted) => admitted && res.end('in'),
      () => res.writeHead(500).end(),
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(t, async () => {
    server.close();
    await gate.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return { url, file, comparisons: () => comparisons };
}

test('over the wire, an unknown user costs as many comparisons as a known one', async (t) => {
  const { url, comparisons } = await behindGate(t, () => Promise.resolve(false));
  for (let request = 1; request <= 3; request++) {
    assert.equal((await ask(url, { headers: basic('alice', `guess${request}`) })).status, 401);
    const known = comparisons();
    assert.equal((await ask(url, { headers: basic('mallory', `guess${request}`) })).status, 401);
    assert.deepEqual([known, comparisons()], [request * 2 - 1, request * 2]);
  }
});

test('a configuration that changes in something else than a user asks for no comparison again', async (t) => {
  const { url, file, comparisons } = await behindGate(t, () => Promise.resolve(true));
  const users = `basic_auth_users:\n  alice: ${SECRET_HASH}\n`;
  const alice = async (): Promise<number | undefined> => (await ask(url, { headers: basic('alice', 'secret') })).status;
  assert.equal(await alice(), 200);
  for (const text of [users, `# touched\n${users}`, `${users}  bob: ${SECRET_HASH}\n`]) {
    file.replace(text);
    assert.equal(await alice(), 200);
    assert.equal(comparisons(), 1);
  }
});

test('no credentials, or broken ones, cost no comparison', async (t) => {
  const { url, comparisons } = await behindGate(t, () => Promise.resolve(true));
  for (const authorization of [undefined, 'Basic', 'Basic ????', 'Bearer abc']) {
    assert.equal((await ask(url, { headers: authorization ? { authorization } : {} })).status, 401);
  }
  assert.equal(comparisons(), 0);
});

test('while too many passwords wait to be compared, further ones are answered 503', async (t) => {
  const { url } = await behindGate(t, () => undefined);
  const { status, headers } = await ask(url, { headers: basic('alice', 'secret') });
  assert.deepEqual([status, headers['retry-after']], [503, '5']);
});

test('when bcrypt fails nobody gets in', async (t) => {
  const { url } = await behindGate(t, () => Promise.reject(new Error('the thread is gone')));
  assert.equal((await ask(url, { headers: basic('alice', 'secret') })).status, 500);
});
