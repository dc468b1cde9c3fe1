/** TLS as a client sees it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test, type TestContext } from 'node:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { TestAuthority, type Certificate } from '../../support/certificates.js';
import { HeldSource } from '../../support/fixed-source.js';
import { ask, connected, exchange, readToEnd, type AskOptions } from '../../support/http-request.js';
import { withTempDir } from '../../support/temp-dir.js';
import { serving } from '../serving.js';
import { WebConfigFile } from './web-config-file.js';
import { has, needs } from '../../support/needs.js';

let dir: string;
let authority: TestAuthority;
let server: Certificate;
let client: Certificate;
let stranger: Certificate;

before(() => {
  dir = mkdtempSync(`${tmpdir()}/prom-multiproc-test-`);
  if (!has('openssl')) return;
  authority = new TestAuthority(dir);
  server = authority.issue('server', 'DNS:localhost,IP:127.0.0.1,IP:::1');
  client = authority.issue(
    'client',
    'DNS:scraper.example,IP:10.0.0.1,IP:2001:db8::1,email:me@example.org,URI:spiffe://x/y',
  );
  stranger = new TestAuthority(dir, 'elsewhere').issue('stranger', 'DNS:scraper.example');
});

after(() => rmSync(dir, { recursive: true }));

async function servingTls(t: TestContext, lines: readonly string[] = [], options: Parameters<typeof serving>[1] = {}) {
  const section = [`cert_file: ${server.certFile}`, `key_file: ${server.keyFile}`, ...lines];
  const file = new WebConfigFile(withTempDir(t), `tls_server_config:\n  ${section.join('\n  ')}\n`);
  return serving(t, { webConfigFile: file.path, ...options });
}

const trusting = (shown?: Certificate): AskOptions => ({ ca: authority.cert, cert: shown?.cert, key: shown?.key });

/** A connection that does not get as far as an answer. */
function refused(url: string, options: AskOptions): Promise<void> {
  return assert.rejects(ask(`${url}/metrics`, options), (error: NodeJS.ErrnoException) => {
    return (
      /ECONNRESET|EPROTO|EPIPE|ERR_SSL|ERR_TLS|socket hang up/.test(`${error.code} ${error.message}`) ||
      assert.fail(error)
    );
  });
}

test('metrics are served over TLS, on IPv4 and IPv6', needs('openssl'), async (t) => {
  const { url } = await servingTls(t);
  assert.match(url, /^https:\/\/127\.0\.0\.1:\d+$/);
  assert.equal((await ask(`${url}/metrics`, trusting())).text, 'up 1\n');
  const six = await servingTls(t, [], { host: '::1' });
  assert.equal((await ask(`${six.url}/metrics`, { ...trusting(), servername: 'localhost' })).text, 'up 1\n');
});

test(
  'plain HTTP, garbage and silence on the TLS port get nothing, and the server goes on',
  needs('openssl'),
  async (t) => {
    const { url, port } = await servingTls(t);
    const answers = ['GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n', '\0'.repeat(1000), '\x16\x03\x01\xff\xff'].map(
      (bytes) => exchange({ port }, bytes.padEnd(100_000, 'x')),
    );
    for (const answer of await Promise.all(answers)) assert.doesNotMatch(answer, /up 1|HTTP/);
    const silent = await connected({ port });
    assert.equal((await ask(`${url}/metrics`, trusting())).status, 200);
    silent.destroy();
  },
);

test('a protocol version below min_version is refused', needs('openssl'), async (t) => {
  const { url } = await servingTls(t, ['min_version: TLS13']);
  await refused(url, { ...trusting(), maxVersion: 'TLSv1.2' });
  assert.equal((await ask(`${url}/metrics`, { ...trusting(), minVersion: 'TLSv1.3' })).status, 200);
});

test(
  'a protocol version above max_version is refused, and the listed suites are the ones in use',
  needs('openssl'),
  async (t) => {
    const suites = 'cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]';
    const { port } = await servingTls(t, ['max_version: TLS12', suites, 'curve_preferences: [CurveP384]']);
    const socket = connectTls({ port, ca: authority.cert });
    await once(socket, 'secureConnect');
    assert.equal(socket.getProtocol(), 'TLSv1.2');
    assert.equal(socket.getCipher().name, 'ECDHE-ECDSA-AES256-GCM-SHA384');
    assert.equal((socket.getEphemeralKeyInfo() as { name?: string }).name, 'secp384r1');
    socket.destroy();
    const [error] = await once(connectTls({ port, ca: authority.cert, minVersion: 'TLSv1.3' }), 'error');
    assert.match(error.code, /ERR_SSL/);
  },
);

test('suites of TLS 1.2 that are listed leave TLS 1.3 and its suites alone, as in Go', needs('openssl'), async (t) => {
  const suites = 'cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]';
  for (const [versions, protocol, cipher] of [
    [[], 'TLSv1.3', /^TLS_AES_/],
    [['min_version: TLS13'], 'TLSv1.3', /^TLS_AES_/],
    [['max_version: TLS12'], 'TLSv1.2', /^ECDHE-ECDSA-AES256-GCM-SHA384$/],
  ] as const) {
    const { port } = await servingTls(t, [...versions, suites]);
    const socket = connectTls({ port, ca: authority.cert });
    await once(socket, 'secureConnect');
    assert.equal(socket.getProtocol(), protocol);
    assert.match(socket.getCipher().name, cipher);
    socket.destroy();
  }
});

test('HTTP/1.1 is agreed on with clients that would rather have HTTP/2', needs('openssl'), async (t) => {
  const { port } = await servingTls(t);
  const socket = connectTls({ port, ca: authority.cert, ALPNProtocols: ['h2', 'http/1.1'] });
  await once(socket, 'secureConnect');
  assert.equal(socket.alpnProtocol, 'http/1.1');
  socket.destroy();
});

/** The clients that are admitted: without a certificate, with one, with one of another authority. */
const POLICIES: readonly (readonly [type: string, none: boolean, ours: boolean, foreign: boolean])[] = [
  ['NoClientCert', true, true, true],
  ['RequestClientCert', true, true, true],
  ['RequireAnyClientCert', false, true, true],
  ['RequireClientCert', false, true, true],
  ['VerifyClientCertIfGiven', true, true, false],
  ['RequireAndVerifyClientCert', false, true, false],
];

for (const [type, ...welcome] of POLICIES) {
  test(`client_auth_type ${type} lets in whom it should`, needs('openssl'), async (t) => {
    const lines = [`client_auth_type: ${type}`];
    if (type !== 'NoClientCert') lines.push(`client_ca_file: ${authority.certFile}`);
    const { url } = await servingTls(t, lines);
    for (const [index, shown] of [undefined, client, stranger].entries()) {
      if (welcome[index]) assert.equal((await ask(`${url}/metrics`, trusting(shown))).status, 200);
      else await refused(url, trusting(shown));
    }
  });
}

test('client_allowed_sans lets in who has one of the names, of any kind', needs('openssl'), async (t) => {
  const mutual = ['client_auth_type: RequireAndVerifyClientCert', `client_ca_file: ${authority.certFile}`];
  for (const name of ['scraper.example', '10.0.0.1', '2001:db8:0:0::1', 'me@example.org', 'spiffe://x/y']) {
    const { url } = await servingTls(t, [...mutual, `client_allowed_sans: [other.example, "${name}"]`]);
    assert.equal((await ask(`${url}/metrics`, trusting(client))).status, 200, name);
    await refused(url, trusting(stranger));
    await refused(url, trusting(server));
  }
  const { url } = await servingTls(t, [...mutual, 'client_allowed_sans: [example, "*.example", SCRAPER.example]']);
  await refused(url, trusting(client));
});

test('a resumed session is no way around a client certificate', needs('openssl'), async (t) => {
  const { port } = await servingTls(t, [
    'client_auth_type: RequireAndVerifyClientCert',
    `client_ca_file: ${authority.certFile}`,
  ]);
  const first = connectTls({ port, ca: authority.cert, cert: client.cert, key: client.key });
  let session: Buffer | undefined;
  first.on('session', (ticket: Buffer) => (session = ticket));
  first.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.match(await readToEnd(first), /up 1/);
  const second = connectTls({ port, ca: authority.cert, session });
  second.write('GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  assert.equal(await readToEnd(second), '');
});

test(
  'close() finishes an answer over TLS, and does not wait for handshakes that never end',
  needs('openssl'),
  async (t) => {
    const source = new HeldSource();
    const { url, port, close } = await servingTls(t, [], { source, closeTimeoutMs: 60_000 });
    const silent = readToEnd(await connected({ port }));
    const underWay = ask(`${url}/metrics`, trusting());
    await source.scraped(1);
    const closed = close();
    source.answerAll('last 1\n'.repeat(100_000));
    assert.equal((await underWay).body.length, 700_000);
    await Promise.all([closed, silent]);
  },
);

test('slow clients are dropped behind TLS as well', needs('openssl'), async (t) => {
  const { port } = await servingTls(t, [], { headersTimeoutMs: 50 });
  const socket = connectTls({ port, ca: authority.cert });
  socket.write('GET /metrics HTTP/1.1\r\nHo');
  assert.match(await readToEnd(socket), /^HTTP\/1\.1 408 /);
});

test('a large body arrives whole over TLS', needs('openssl'), async (t) => {
  const text = 'some_metric_with_a_long_name{label="value"} 12345\n'.repeat(100_000);
  const source = { metrics: () => Promise.resolve({ contentType: 'text/plain', body: Buffer.from(text) }) };
  const { url } = await servingTls(t, [], { source });
  assert.equal((await ask(`${url}/metrics`, trusting())).text, text);
});
