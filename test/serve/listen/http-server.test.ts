import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { test } from 'node:test';
import { startHttpServer } from '../../../src/serve/listen/http-server.js';
import { onlyReads } from '../../../src/serve/answer/plain-text.js';
import { fixedSource, HeldSource, TEXT_TYPE } from '../../support/fixed-source.js';
import { ask, connected, exchange, readToEnd } from '../../support/http-request.js';
import { serving } from '../serving.js';

test('metrics are at /metrics, on 127.0.0.1 unless told otherwise', async (t) => {
  const { url, address, port } = await serving(t);
  assert.deepEqual(address, { address: '127.0.0.1', family: 'IPv4', port });
  assert.equal(url, `http://127.0.0.1:${port}`);
  const { status, headers, text } = await ask(`${url}/metrics`);
  assert.equal(status, 200);
  assert.equal(headers['content-type'], TEXT_TYPE);
  assert.equal(text, 'up 1\n');
});

test('the port is 9464 unless told otherwise', async () => {
  // whether it is free on this machine is not ours to say
  const where = await startHttpServer({ source: fixedSource('') }).then(
    async (server) => {
      await server.close();
      return server.url;
    },
    (error: Error) => error.message,
  );
  assert.match(where, /127\.0\.0\.1:9464/);
});

test('the landing page links to the metrics and to every other page that has a link', async (t) => {
  const { url } = await serving(t, {
    path: '/internal/metrics',
    routes: [
      {
        path: '/status',
        handler: (_req, res) => res.end('fine'),
        link: { text: 'Status <now>', description: 'a & b' },
      },
      { path: '/status.json', handler: (_req, res) => res.end('{}') },
    ],
    landing: { name: '<shop>', version: '1.2.3' },
  });
  const { status, headers, text } = await ask(`${url}/`);
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  assert.match(String(headers['content-security-policy']), /default-src 'none'/);
  assert.match(text, /<title>&lt;shop&gt;<\/title>/);
  assert.match(text, /Version: 1\.2\.3/);
  assert.match(text, /<a href="\.\/internal\/metrics">Metrics<\/a>/);
  assert.match(text, /<a href="\.\/status">Status &lt;now&gt;<\/a>: a &amp; b/);
  assert.doesNotMatch(text, /status\.json/);
  assert.equal((await ask(`${url}/status`)).text, 'fine');
  assert.equal((await ask(`${url}/metrics`)).status, 404);
  assert.equal((await ask(`${url}/`, { method: 'HEAD' })).headers['content-length'], String(Buffer.byteLength(text)));
  assert.equal((await ask(`${url}/`, { method: 'POST' })).status, 405);
});

test('metrics may be at / themselves; then there is no landing page', async (t) => {
  const { url } = await serving(t, { path: '/' });
  assert.equal((await ask(`${url}/`)).text, 'up 1\n');
});

test('any other path is 404, and path tricks are refused', async (t) => {
  const { port } = await serving(t);
  const statusOf = async (target: string) =>
    (await exchange({ port }, `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).slice(9, 12);
  for (const target of ['/nothing', '/metrics/', '/Metrics', '/%6detrics', '/metrics;x', '*', '/metrics.txt']) {
    assert.equal(await statusOf(target), '404', target);
  }
  for (const target of [
    '//metrics',
    '/x/../metrics',
    '/./metrics',
    '/%2e%2e/metrics',
    '/x\\..\\metrics',
    '/metrics%00',
  ]) {
    assert.equal(await statusOf(target), '400', target);
  }
  for (const target of ['/metrics', '/metrics?x=../..', `http://a:${port}/metrics`]) {
    assert.equal(await statusOf(target), '200', target);
  }
});

test('what is not HTTP, or without a host, is answered 400 and the server goes on', async (t) => {
  const { url, port } = await serving(t);
  for (const bytes of [
    '\x16\x03\x01\x02\x00\x01\x00',
    'GET /metrics HTTP/9.9\r\nHost: a\r\n\r\n',
    'GET /metrics HTTP/1.1\r\n\r\n',
    '\0\0\0\0\r\n\r\n',
  ]) {
    assert.match(await exchange({ port }, bytes), /^HTTP\/1\.1 400 /);
  }
  const smuggled =
    'GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n';
  assert.match(await exchange({ port }, smuggled), /HTTP\/1\.1 400 /);
  assert.equal((await ask(`${url}/metrics`)).status, 200);
});

test('huge headers are answered 431', async (t) => {
  const { port } = await serving(t, { maxHeaderBytes: 2048 });
  const one = `GET /metrics HTTP/1.1\r\nHost: a\r\nX-Huge: ${'x'.repeat(4096)}\r\n\r\n`;
  const many = `GET /metrics HTTP/1.1\r\nHost: a\r\n${'X-A: b\r\n'.repeat(1000)}\r\n`;
  for (const bytes of [one, many]) assert.match(await exchange({ port }, bytes), /^HTTP\/1\.1 431 /);
});

test('a client that sends its header slowly is answered 408 and dropped', async (t) => {
  const { port } = await serving(t, { headersTimeoutMs: 50 });
  const socket = await connected({ port });
  const answer = readToEnd(socket);
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n');
  const drip = setInterval(() => socket.write('X-Slow: 1\r\n'), 10);
  assert.match(await answer, /^HTTP\/1\.1 408 /);
  clearInterval(drip);
});

test('a client that connects and says nothing is dropped', async (t) => {
  const { port } = await serving(t, { headersTimeoutMs: 50 });
  assert.match(await readToEnd(await connected({ port })), /408/);
});

test('a connection serves scrape after scrape, and is dropped when it was idle for long', async (t) => {
  const { port } = await serving(t, { keepAliveTimeoutMs: 500 });
  const socket = await connected({ port });
  const everything = readToEnd(socket);
  for (let scrape = 0; scrape < 3; scrape++) {
    socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
    await once(socket, 'data');
  }
  assert.equal((await everything).match(/HTTP\/1\.1 200 OK/g)?.length, 3);
});

test('connections beyond maxConnections are dropped', async (t) => {
  const { port } = await serving(t, { maxConnections: 1 });
  const first = await connected({ port });
  assert.equal(await readToEnd(await connected({ port })), '');
  first.destroy();
});

test('a page that throws is answered 500 and the server goes on', async (t) => {
  const { url, warnings } = await serving(t, {
    routes: [
      {
        path: '/broken',
        handler: () => {
          throw new Error('in /srv/secret');
        },
      },
      { path: '/reads', handler: (req, res) => void (onlyReads(req, res) && res.end('read')) },
    ],
  });
  const { status, text } = await ask(`${url}/broken`);
  assert.equal(status, 500);
  assert.doesNotMatch(text, /secret/);
  assert.deepEqual(warnings, ['the page /broken failed: in /srv/secret']);
  assert.equal((await ask(`${url}/reads`)).text, 'read');
});

test('IPv6 is served, with and without brackets', async (t) => {
  for (const host of ['::1', '[::1]']) {
    const { url, port } = await serving(t, { host });
    assert.equal(url, `http://[::1]:${port}`);
    assert.equal((await ask(`${url}/metrics`)).text, 'up 1\n');
  }
});

test('every interface is served on ::, and the url says how to get there', async (t) => {
  const { url, port } = await serving(t, { host: '::' });
  assert.equal(url, `http://[::1]:${port}`);
  assert.equal((await ask(`http://127.0.0.1:${port}/metrics`)).status, 200);
});

test('a taken port, a foreign address and an unknown host are errors that say what to do', async (t) => {
  const { port } = await serving(t);
  const source = fixedSource('');
  await assert.rejects(startHttpServer({ source, port }), {
    name: 'ListenError',
    code: 'EADDRINUSE',
    message: new RegExp(`127\\.0\\.0\\.1:${port}.*another server.*ss -ltnp.*port 0`),
  });
  await assert.rejects(startHttpServer({ source, port: 0, host: '192.0.2.1' }), {
    code: 'EADDRNOTAVAIL',
    message: /192\.0\.2\.1:0.*127\.0\.0\.1/,
  });
  // ENOTFOUND, or EAI_AGAIN where no name server is reached
  await assert.rejects(startHttpServer({ source, port: 0, host: 'no-such-host.invalid' }), {
    name: 'ListenError',
    message: /no-such-host\.invalid:0: the host name is not known; give an IP address/,
  });
  await assert.rejects(startHttpServer({ source, fd: 1_000_000 }), {
    name: 'ListenError',
    message: /cannot listen on the inherited descriptor 1000000/,
  });
});

test('options that break a rule are refused before anything is opened', async () => {
  const source = fixedSource('');
  const wrong: object[] = [
    { port: -1 },
    { port: 65_536 },
    { port: '80' },
    { host: '' },
    { path: 'metrics' },
    { path: '/a/../b' },
    { port: 0, socketPath: '/tmp/x.sock' },
    { socketPath: `/tmp/${'x'.repeat(120)}` },
    { socketPath: '' },
    { fd: -1 },
    { fd: 3, port: 0 },
    { status: 'yes' },
    { headersTimeoutMs: 0 },
    { maxHeaderBytes: Infinity },
    { maxConnections: 0 },
    { routes: [{ path: '/metrics', handler: () => undefined }] },
    { routes: [{ path: 'status', handler: () => undefined }] },
    { source: null },
  ];
  for (const options of wrong) {
    await assert.rejects(startHttpServer({ source, ...options }), { code: 'ERR_INVALID_ARGUMENT' });
  }
});

test('close() finishes what is under way, tells its client, and takes nothing new', async (t) => {
  const source = new HeldSource();
  const { url, port, close } = await serving(t, { source, closeTimeoutMs: 60_000 });
  const agent = new Agent({ keepAlive: true });
  const underWay = ask(`${url}/metrics`, { agent });
  await source.scraped(1);
  const closed = close();
  await assert.rejects(connected({ port }), { code: 'ECONNREFUSED' });
  source.answerAll('last 1\n');
  const { text, headers } = await underWay;
  assert.equal(text, 'last 1\n');
  assert.equal(headers.connection, 'close');
  await closed;
  await close();
});

test('close() finishes a body that is being sent to a slow reader', async (t) => {
  const text = 'some_metric_with_a_long_name{label="value"} 12345\n'.repeat(300_000);
  const { port, close } = await serving(t, { source: fixedSource(text), closeTimeoutMs: 60_000 });
  const socket = await connected({ port });
  socket.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
  await once(socket, 'readable');
  const closed = close();
  const answer = await readToEnd(socket);
  assert.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, text.length);
  await closed;
});

test('close() drops connections that are idle, silent, or in the middle of a header', async (t) => {
  const { url, port, close } = await serving(t, { closeTimeoutMs: 60_000 });
  const agent = new Agent({ keepAlive: true });
  await ask(`${url}/metrics`, { agent });
  const [silent, unfinished] = [await connected({ port }), await connected({ port })];
  unfinished.write('GET /metrics HTTP/1.1\r\nHo');
  await Promise.all([close(), readToEnd(silent), readToEnd(unfinished)]);
});

test('close() waits no longer than closeTimeoutMs for a scrape that hangs', async (t) => {
  const source = new HeldSource();
  const { url, close } = await serving(t, { source, closeTimeoutMs: 20 });
  const hanging = assert.rejects(ask(`${url}/metrics`), { code: 'ECONNRESET' });
  await source.scraped(1);
  await Promise.all([close(), hanging]);
});
