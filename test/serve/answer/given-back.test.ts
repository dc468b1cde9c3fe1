/** The handler sends bodies out of memory that is used again: no client gets a part of another scrape. */
import assert from 'node:assert/strict';
import { createServer, get, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { MultiprocessCollector } from '../../../src/collector/multiprocess-collector.js';
import type { Series } from '../../../src/storage/series.js';
import { metricsHandler } from '../../../src/serve/answer/handler.js';
import { afterTest } from '../../support/after-test.js';
import { withTempDir } from '../../support/temp-dir.js';
import { counter } from '../../support/declarations.js';
import { addTo, attach, createFile } from '../../support/written-file.js';

const SERIES = 10_000;

/** @param pauseMs how long the client waits before it reads each piece of the first ones */
function read(port: number, headers: IncomingHttpHeaders, pauseMs = 0): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false, headers }, async (response) => {
      const pieces: Buffer[] = [];
      for await (const piece of response) {
        pieces.push(piece as Buffer);
        if (pieces.length < 10 && pauseMs > 0) await sleep(pauseMs);
      }
      resolve(Buffer.concat(pieces));
    }).on('error', reject);
  });
}

function assertOfOneScrape(text: string, least: number): void {
  const values = text.match(/(?<=\} )\d+$/gm) ?? [];
  assert.equal(values.length, SERIES);
  assert.ok(new Set(values).size === 1 && Number(values[0]) >= least, `${values[0]} to ${values.at(-1)}`);
}

/** A server on a free port, closed after the test together with the collector. */
async function listening(t: TestContext, source: MultiprocessCollector, handler: RequestListener): Promise<number> {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(t, async () => {
    server.closeAllConnections();
    server.close();
    await source.close();
  });
  return (server.address() as AddressInfo).port;
}

/** A directory with the series of one counter, and a collector that has a thread. */
function manySeries(t: TestContext): { source: MultiprocessCollector; series: Series[] } {
  const dir = withTempDir(t);
  const { store } = createFile(dir);
  const family = store.declare(counter('requests_total', ['path']), ['default']);
  const series = Array.from({ length: SERIES }, (_, at) => attach(store, family, [`/api/items/${at}`]));
  return { source: new MultiprocessCollector({ dir, threads: true, selfMetrics: false }), series };
}

test('fast, slow, compressing and disconnecting clients in turn each get the text of one scrape', async (t) => {
  const { source, series } = manySeries(t);
  const port = await listening(t, source, metricsHandler({ source }));
  const slow: Promise<void>[] = [];
  for (let count = 1; count <= 5; count++) {
    for (const one of series) addTo(one, 1);
    slow.push(read(port, {}, 20).then((body) => assertOfOneScrape(body.toString(), count)));
    const gone = get({ port, host: '127.0.0.1', agent: false }, (response) => response.destroy());
    gone.on('error', () => {});
    const [plain, zipped] = await Promise.all([read(port, {}), read(port, { 'accept-encoding': 'gzip' })]);
    assertOfOneScrape(plain.toString(), count);
    assertOfOneScrape(gunzipSync(zipped).toString(), count);
  }
  await Promise.all(slow);
});

test('a middleware that replaces write keeps the pieces that it got', async (t) => {
  const { source, series } = manySeries(t);
  for (const one of series) addTo(one, 1);
  const handler = metricsHandler({ source });
  const kept: Uint8Array[] = [];
  const port = await listening(t, source, (req, res) => {
    const write = res.write.bind(res) as (piece: Uint8Array) => boolean;
    res.write = (piece: Uint8Array) => {
      kept.push(piece);
      return write(piece);
    };
    handler(req, res);
  });
  const first = await read(port, {});
  const pieces = [...kept];
  await read(port, {});
  const before = Buffer.concat(pieces);
  assert.ok(before.length > 256 * 1024 && first.subarray(0, before.length).equals(before));
});
