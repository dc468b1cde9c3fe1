import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, METHODS, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { MetricsSource } from '../../../src/serve/answer/metrics-source.js';
import { metricsHandler, type MetricsHandlerOptions } from '../../../src/serve/answer/handler.js';
import { afterTest } from '../../support/after-test.js';
import { fixedSource, HeldSource, TEXT_TYPE } from '../../support/fixed-source.js';
import { ask, connected, exchange, readToEnd } from '../../support/http-request.js';
import { until } from '../../support/program.js';

/** A bare node:http server; `errors` are those that the handler reported. */
async function serve(t: TestContext, options: MetricsHandlerOptions, before: RequestListener = () => undefined) {
  const errors: unknown[] = [];
  const handler = metricsHandler({ onError: (error) => errors.push(error), ...options });
  const server = createServer((req, res) => {
    before(req, res);
    handler(req, res);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/metrics`, port, errors };
}

const LONG = 'requests_total{path="/"} 1\n'.repeat(100);

test('a scrape gets the text, its content type, and since when the process runs', async (t) => {
  const source = fixedSource('a 1\n');
  const { url } = await serve(t, { source });
  const { status, headers, text } = await ask(url, { headers: { accept: 'text/plain;q=0.5' } });
  assert.equal(status, 200);
  assert.equal(text, 'a 1\n');
  assert.equal(headers['content-type'], TEXT_TYPE);
  assert.equal(headers['content-length'], '4');
  assert.equal(headers['content-encoding'], undefined);
  const started = Number(headers['process-start-time-unix']);
  assert.ok(Number.isInteger(started) && Math.abs(started - (Date.now() / 1000 - process.uptime())) < 10, `${started}`);
  assert.deepEqual(source.accepts, ['text/plain;q=0.5']);
});

test('HEAD gets the header of GET and no body', async (t) => {
  const { url } = await serve(t, { source: fixedSource(LONG) });
  for (const coding of ['identity', 'gzip']) {
    const requestHeaders = { 'accept-encoding': coding };
    const get = await ask(url, { headers: requestHeaders });
    const head = await ask(url, { method: 'HEAD', headers: requestHeaders });
    assert.equal(head.status, 200);
    assert.deepEqual({ ...head.headers, date: undefined }, { ...get.headers, date: undefined });
    assert.equal(head.headers['content-length'], String(get.body.length));
    assert.equal(head.body.length, 0);
  }
});

for (const method of METHODS.filter((name) => !['GET', 'HEAD', 'CONNECT'].includes(name))) {
  test(`${method} is answered 405, with the methods that are allowed`, async (t) => {
    const source = fixedSource('a 1\n');
    const { url } = await serve(t, { source });
    const { status, headers } = await ask(url, { method });
    assert.equal(status, 405);
    assert.equal(headers.allow, 'GET, HEAD');
    assert.equal(source.accepts.length, 0);
  });
}

test('gzip is negotiated, and caches are told on what the answer depends', async (t) => {
  const { url } = await serve(t, { source: fixedSource(LONG) }, (_req, res) => {
    res.setHeader('Vary', 'Origin');
  });
  const { headers, body } = await ask(url, { headers: { 'accept-encoding': 'gzip;q=0.8, identity;q=0.1' } });
  assert.equal(headers['content-encoding'], 'gzip');
  assert.equal(headers['content-length'], String(body.length));
  assert.equal(headers.vary, 'Origin, Accept, Accept-Encoding');
  assert.equal(gunzipSync(body).toString(), LONG);
});

test('compression can be left to somebody else', async (t) => {
  const { url } = await serve(t, { source: fixedSource(LONG), compression: false });
  const { headers, text } = await ask(url, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(headers['content-encoding'], undefined);
  assert.equal(text, LONG);
});

test('hostile Accept and Accept-Encoding values are passed on or ignored, never an error', async (t) => {
  const source = fixedSource(LONG);
  const { url } = await serve(t, { source });
  const hostile = [
    ',;=,q=',
    'text/plain;'.repeat(500),
    '*/*;q='.padEnd(8000, '9'),
    '"\\',
    '\u00ff\u00fe',
    ';;;;q=1;q=0',
  ];
  for (const value of hostile) {
    const { status, headers } = await ask(url, { headers: { accept: value, 'accept-encoding': value } });
    assert.equal(status, 200, value);
    assert.equal(headers['content-type'], TEXT_TYPE);
  }
  assert.deepEqual(source.accepts, hostile);
});

test('one scrape beyond the limit is answered 503 at once, and places become free again', async (t) => {
  const source = new HeldSource();
  const { url } = await serve(t, { source, inFlightLimit: 2 });
  const first = [ask(url), ask(url)];
  await source.scraped(2);
  const third = await ask(url);
  assert.equal(third.status, 503);
  assert.equal(third.headers['retry-after'], '1');
  source.answerAll('a 1\n');
  for (const { status } of await Promise.all(first)) assert.equal(status, 200);
  const later = ask(url);
  await source.scraped(3);
  source.answerAll('a 2\n');
  assert.equal((await later).text, 'a 2\n');
});

test('aborted scrapes free their places, pipelined ones too', async (t) => {
  const source = new HeldSource();
  const { url, port } = await serve(t, { source, inFlightLimit: 3 });
  for (let round = 1; round <= 3; round++) {
    const socket = await connected({ port });
    socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
    await source.scraped(round * 3);
    socket.destroy();
    await until(async () => {
      const answer = ask(url, { headers: { 'x-prometheus-scrape-timeout-seconds': '0.02' } });
      return (await answer).text.includes('not done within');
    });
    source.scrapes = round * 3;
  }
  source.answerAll('late 1\n');
});

test('a scrape that takes too long is answered 503 within the timeout that the scraper names', async (t) => {
  const source = new HeldSource();
  const { url, errors } = await serve(t, { source });
  const answer = await ask(url, { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': '0.1' } });
  assert.equal(answer.status, 503);
  assert.match(answer.text, /not done within 50 ms/);
  source.failAll(new Error('and then it failed'));
  await until(() => errors.length === 1);
});

test('a scrape without a timeout of its own is given up after timeoutMs', async (t) => {
  const { url } = await serve(t, { source: new HeldSource(), timeoutMs: 20 });
  assert.equal((await ask(url, { headers: { 'X-Prometheus-Scrape-Timeout-Seconds': 'soon' } })).status, 503);
});

test('a source that fails is answered 500 without a word of why', async (t) => {
  const failure = new Error("ENOENT: no such file or directory, open '/srv/secret/place.prom-mp'");
  const { url, errors } = await serve(t, { source: { metrics: () => Promise.reject(failure) } });
  const { status, headers, text } = await ask(url);
  assert.equal(status, 500);
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  assert.doesNotMatch(text, /secret|ENOENT|\//);
  assert.deepEqual(errors, [failure]);
});

test('a source that throws at once, or answers nonsense, is answered 500 too', async (t) => {
  const nonsense = [
    () => {
      throw new Error('at once');
    },
    async () => ({ contentType: '', body: Buffer.from('a 1\n') }),
    async () => ({ contentType: TEXT_TYPE, body: 'a 1\n' }),
  ];
  for (const metrics of nonsense) {
    const { url, errors } = await serve(t, { source: { metrics } as never });
    assert.equal((await ask(url)).status, 500);
    assert.equal(errors.length, 1);
  }
});

test('no content type splits the response', async (t) => {
  const source = fixedSource('a 1\n', 'text/plain\r\nSet-Cookie: stolen=1\r\n\r\n<script>');
  const { port } = await serve(t, { source });
  const answer = await exchange({ port }, 'GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(answer, /^HTTP\/1\.1 500 /);
  assert.doesNotMatch(answer, /Set-Cookie|<script>/);
});

test('line breaks in a label value stay in the body', async (t) => {
  const text = 'a{b="x\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: c=1"} 1\n';
  const { port } = await serve(t, { source: fixedSource(text) });
  const answer = await exchange({ port }, 'GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.equal(answer.slice(answer.indexOf('\r\n\r\n') + 4), text);
  assert.match(answer, new RegExp(`\r\nContent-Length: ${text.length}\r\n`));
});

test('a large body arrives whole at a client that reads slowly', async (t) => {
  const text = 'some_metric_with_a_long_name{label="value"} 12345\n'.repeat(200_000);
  let response: ServerResponse | undefined;
  const { port } = await serve(t, { source: fixedSource(text) }, (_req, res) => (response = res));
  const socket = await connected({ port, highWaterMark: 1024 } as never);
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  socket.pause();
  // the kernel's buffers are full
  await until(() => response?.writableNeedDrain === true);
  const answer = await readToEnd(socket);
  assert.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, text.length);
});

test('no more of a large body waits in memory than a client takes', async (t) => {
  let response: ServerResponse | undefined;
  const { port } = await serve(t, { source: fixedSource('x 1\n'.repeat(5_000_000)) }, (_req, res) => (response = res));
  const socket = await connected({ port });
  socket.pause();
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => response?.headersSent === true);
  assert.ok(response!.writableLength < 2 ** 20, `${response!.writableLength} bytes wait`);
  socket.destroy();
});

test('a client that takes nothing of its answer is dropped and its place is free again', async (t) => {
  const source = fixedSource('x 1\n'.repeat(5_000_000));
  let dropped: Promise<unknown> | undefined;
  const { url, port } = await serve(t, { source, inFlightLimit: 1, stallMs: 50 }, (_req, res) => {
    dropped ??= once(res, 'close').then(() => assert.equal(res.writableFinished, false));
  });
  const socket = await connected({ port });
  socket.on('error', () => undefined);
  socket.pause();
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => dropped !== undefined);
  await dropped;
  assert.equal((await ask(url, { method: 'HEAD' })).status, 200);
  socket.destroy();
});

test('a handler is told at once which option breaks which rule', () => {
  const source = fixedSource('');
  const wrong = [
    { source: {} },
    { source, inFlightLimit: 0 },
    { source, inFlightLimit: 1.5 },
    { source, timeoutMs: 0 },
    { source, timeoutMs: Infinity },
    { source, timeoutOffsetMs: -1 },
    { source, stallMs: NaN },
    { source, sendTimeoutMs: 0 },
    { source, unsentBytesLimit: 0 },
  ];
  for (const options of wrong) {
    assert.throws(() => metricsHandler(options as never), { code: 'ERR_INVALID_ARGUMENT' });
  }
  assert.doesNotThrow(() =>
    metricsHandler({ source, inFlightLimit: Infinity, unsentBytesLimit: Infinity, timeoutOffsetMs: 0 }),
  );
});

test('the names of the query are handed to the source', async (t) => {
  const asked: unknown[] = [];
  const fixed = fixedSource('a 1\n');
  const source: MetricsSource = {
    metrics(request) {
      asked.push(request.names);
      return fixed.metrics(request);
    },
  };
  const { url } = await serve(t, { source });
  for (const query of ['', '?', '?other=1', '?name[]=a&name%5B%5D=b%20c', '?name=a']) await ask(`${url}${query}`);
  assert.deepEqual(asked, [undefined, undefined, undefined, ['a', 'b c'], undefined]);
});
