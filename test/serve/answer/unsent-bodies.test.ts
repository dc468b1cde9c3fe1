import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import type { MetricsSource } from '../../../src/serve/answer/metrics-source.js';
import { afterTest } from '../../support/after-test.js';
import { fixedSource, TEXT_TYPE } from '../../support/fixed-source.js';
import { collectGarbage } from '../../support/garbage.js';
import { ask, connected, readToEnd } from '../../support/http-request.js';
import { until } from '../../support/program.js';
import { type Serving, serving } from '../serving.js';

const MIB = 1024 * 1024;
/** More than the kernel takes from a server whose client does not read: up to 4 MiB there and 6 MiB here. */
const BODY_BYTES = 16 * MIB;

/** A new text for every scrape, as a collector makes them for scrapes that do not come together. */
function freshSource(): MetricsSource {
  return { metrics: async () => ({ contentType: TEXT_TYPE, body: Buffer.alloc(BODY_BYTES, 'some_metric 1\n') }) };
}

/** A client that has begun to read its answer, and then stops. */
async function slowClient(t: TestContext, { port }: Serving): Promise<Socket> {
  const socket = await connected({ port });
  afterTest(t, () => void socket.destroy());
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await new Promise((resolve) => socket.once('readable', resolve));
  return socket;
}

async function bodyBytes(socket: Socket): Promise<number> {
  const answer = await readToEnd(socket);
  return answer.length - answer.indexOf('\r\n\r\n') - 4;
}

test('thirty slow clients, each with an answer of its own, hold no more than the limit', async (t) => {
  const server = await serving(t, {
    source: freshSource(),
    stallMs: 2 ** 31 - 1,
    unsentBytesLimit: 3 * BODY_BYTES,
  });
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const clients: Socket[] = [];
  while (clients.length < 30) clients.push(await slowClient(t, server));
  await until(() => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers - before < 4 * BODY_BYTES;
  });
});

test('of clients that have only begun to read the first ones make room, and the others get their answers whole', async (t) => {
  const server = await serving(t, { source: freshSource(), unsentBytesLimit: 2 * BODY_BYTES });
  const clients = [];
  for (let client = 0; client < 4; client++) clients.push(await slowClient(t, server));
  const sizes = await Promise.all(clients.map(bodyBytes));
  assert.deepEqual(
    sizes.map((bytes) => bytes === BODY_BYTES),
    [false, false, true, true],
  );
});

test('the slowest clients are dropped first, and not one that came before them and reads on', async (t) => {
  const server = await serving(t, { source: freshSource(), unsentBytesLimit: 3 * BODY_BYTES });
  const steady = await slowClient(t, server);
  const stalled = [await slowClient(t, server), await slowClient(t, server)];
  // it takes more than they do, and stays
  for (let taken = 0; taken < BODY_BYTES / 2;) {
    taken += ((steady.read() as Buffer | null) ?? '').length;
    await new Promise(setImmediate);
  }
  // until then all of them are new
  await new Promise((resolve) => setTimeout(resolve, 1100));
  for (let client = 0; client < 2; client++) await slowClient(t, server);
  for (const bytes of await Promise.all(stalled.map(bodyBytes))) assert.ok(bytes < BODY_BYTES, `${bytes} bytes`);
  await readToEnd(steady);
  assert.ok(steady.bytesRead > BODY_BYTES, `${steady.bytesRead} bytes`);
});

test('a client that takes its answer too slowly is dropped, however often it takes a little', async (t) => {
  const server = await serving(t, { source: freshSource(), sendTimeoutMs: 300 });
  const client = await slowClient(t, server);
  const trickle = setInterval(() => client.read(1024), 10);
  await new Promise((resolve) => setTimeout(resolve, 600));
  clearInterval(trickle);
  await readToEnd(client);
  assert.ok(client.bytesRead < BODY_BYTES, `${client.bytesRead} bytes`);
});

test('clients that read nothing take no place from others, whatever their number', async (t) => {
  const server = await serving(t, { source: freshSource(), inFlightLimit: 2, unsentBytesLimit: 4 * BODY_BYTES });
  for (let round = 0; round < 5; round++) {
    for (let client = 0; client < 4; client++) await slowClient(t, server);
    assert.equal((await ask(`${server.url}/metrics`)).body.length, BODY_BYTES);
  }
});

test('an answer that many are sent counts once', async (t) => {
  const source = fixedSource('some_metric 1\n'.repeat(Math.floor(BODY_BYTES / 14)));
  const server = await serving(t, { source, unsentBytesLimit: BODY_BYTES });
  const clients = await Promise.all(Array.from({ length: 20 }, () => slowClient(t, server)));
  const whole = (await ask(`${server.url}/metrics`)).body.length;
  assert.deepEqual(await Promise.all(clients.map(bodyBytes)), Array(20).fill(whole));
});

test('an answer beyond the limit is sent, when it is the only one', async (t) => {
  const { url } = await serving(t, { source: freshSource(), unsentBytesLimit: 1 });
  for (let scrape = 0; scrape < 2; scrape++) {
    assert.equal((await ask(`${url}/metrics`)).body.length, BODY_BYTES);
  }
});
