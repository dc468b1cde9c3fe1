import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, after, test } from 'node:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { startHttpServer } from '../../../src/serve/listen/http-server.js';
import { WebConfigError } from '../../../src/serve/web-config/web-config-error.js';
import { readWebConfig, type WebConfig } from '../../../src/serve/web-config/web-config.js';
import { TestAuthority } from '../../support/certificates.js';
import { fixedSource } from '../../support/fixed-source.js';
import { SECRET_HASH } from './web-config-file.js';
import { has, needs } from '../../support/needs.js';

let dir: string;

before(() => {
  dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-test-'));
  if (!has('openssl')) return;
  const authority = new TestAuthority(dir);
  authority.issue('server', 'DNS:localhost');
  authority.issue('another', 'DNS:localhost');
  writeFileSync(join(dir, 'garbage.pem'), 'not a certificate');
});

after(() => rmSync(dir, { recursive: true }));

const CERT = 'cert_file: ca-server.crt\n  key_file: ca-server.key';

function read(text: string): Promise<WebConfig> {
  const file = join(dir, 'web.yml');
  return readWebConfig(file, (path) => (path === file ? Promise.resolve(text) : readFile(path, 'utf8')));
}

test('an empty file, and one with every section empty, ask for nothing', needs('openssl'), async () => {
  const nothing = { tls: undefined, headers: new Map(), users: new Map(), rateLimit: undefined };
  for (const text of [
    '',
    '# nothing\n',
    '{}',
    'tls_server_config:\nhttp_server_config:\nbasic_auth_users: ~\nrate_limit: null\n',
    'tls_server_config: {}',
  ]) {
    assert.deepEqual(await read(text), nothing, text);
  }
});

test('every key of the format is understood', needs('openssl'), async () => {
  const config = await read(`
tls_server_config:
  cert_file: ca-server.crt
  key_file: ${join(dir, 'ca-server.key')}
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [client.example, "::1"]
  min_version: TLS12
  max_version: TLS13
  cipher_suites:
    - TLS_AES_128_GCM_SHA256
    - TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
  curve_preferences: [X25519, CurveP256]
  prefer_server_cipher_suites: no
http_server_config:
  http2: true
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: "1; mode=block"
    Strict-Transport-Security: ''
basic_auth_users:
  alice: ${SECRET_HASH}
  no: ${SECRET_HASH.replace('$2b$', '$2y$')}
  007: ${SECRET_HASH.replace('$2b$', '$2a$')}
rate_limit:
  interval: 1m30s
  burst: 20
`);
  const { cert, key, clientCa, ...tls } = config.tls!;
  assert.match(cert, /BEGIN CERTIFICATE/);
  assert.match(key, /BEGIN EC PRIVATE KEY/);
  assert.match(clientCa!, /BEGIN CERTIFICATE/);
  assert.deepEqual(tls, {
    clientAuth: { asked: true, required: true, verified: true },
    clientAllowedSans: new Set(['client.example', '::1']),
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES256-GCM-SHA384',
    ecdhCurve: 'X25519:P-256',
    honorCipherOrder: false,
  });
  assert.deepEqual(
    [...config.headers],
    [
      ['Content-Security-Policy', "default-src 'self'"],
      ['X-Frame-Options', 'deny'],
      ['X-Content-Type-Options', 'nosniff'],
      ['X-XSS-Protection', '1; mode=block'],
    ],
  );
  assert.deepEqual([...config.users.keys()], ['alice', 'no', '007']);
  assert.deepEqual(config.rateLimit, { intervalMs: 90_000, burst: 20 });
});

test('certificates may stand in the file itself', needs('openssl'), async () => {
  const pem = async (name: string) => (await readFile(join(dir, name), 'utf8')).trim().replaceAll('\n', '\n    ');
  const { tls } = await read(`tls_server_config:
  cert: |
    ${await pem('ca-server.crt')}
  key: |
    ${await pem('ca-server.key')}
  client_ca: |
    ${await pem('ca.crt')}
  client_auth_type: VerifyClientCertIfGiven
`);
  assert.match(tls!.cert, /^-----BEGIN CERTIFICATE-----\n/);
  assert.match(tls!.clientCa!, /^-----BEGIN CERTIFICATE-----\n/);
});

/** A text, and the line, key and reason that its refusal names. */
const REFUSED: readonly (readonly [text: string, line: number | undefined, key: string | undefined, why: RegExp])[] = [
  ['- a\n', undefined, undefined, /must be a mapping/],
  ['just text\n', undefined, undefined, /must be a mapping/],
  ['a: [1\nb: 2\n', 2, undefined, /not valid YAML/],
  ['rate_limit:\n  interval: 1s\nrate_limit:\n  interval: 2s\n', 3, undefined, /unique/],
  ['{}\n---\n{}\n', 2, undefined, /multiple documents/],
  ['basic_auth_users: *nowhere\n', 1, 'basic_auth_users', /anchor that is not there/],
  ['basic_auth_users: !include users.yml\n', 1, undefined, /not valid YAML/],
  ['\nbasic_auth:\n  a: b\n', 2, 'basic_auth', /unknown key.*basic_auth_users/],
  ['? [a, b]\n: c\n', 1, undefined, /key must be a single text/],
  ['tls_server_config: yes\n', 1, 'tls_server_config', /must be a mapping/],
  ['tls_server_config:\n  min_version: TLS13\n', 2, 'tls_server_config.min_version', /needs cert or cert_file/],
  ['tls_server_config:\n  cert_file: ca-server.crt\n', 2, 'tls_server_config.cert_file', /needs key or key_file/],
  [`tls_server_config:\n  ${CERT}\n  client_ca_fle: x\n`, 4, 'tls_server_config.client_ca_fle', /unknown key/],
  [
    'tls_server_config:\n  cert_file: ""\n',
    2,
    'tls_server_config.cert_file',
    /^.*cert_file: is empty: give the path of a PEM/,
  ],
  [`tls_server_config:\n  ${CERT}\n  client_ca_file: ''\n`, 4, 'tls_server_config.client_ca_file', /is empty: give/],
  ['tls_server_config:\n  cert: ""\n', 2, 'tls_server_config.cert', /is empty: give the text of a PEM/],
  ['tls_server_config:\n  cert_file: absent.crt\n', 2, 'tls_server_config.cert_file', /absent\.crt.*ENOENT/],
  [`tls_server_config:\n  ${CERT}\n  cert: x\n`, 2, 'tls_server_config.cert_file', /either cert or cert_file/],
  [
    'tls_server_config:\n  cert_file: garbage.pem\n  key_file: ca-server.key\n',
    2,
    'tls_server_config.cert_file',
    /not a certificate/,
  ],
  [
    'tls_server_config:\n  cert_file: ca-server.crt\n  key_file: garbage.pem\n',
    3,
    'tls_server_config.key_file',
    /not an unencrypted private key/,
  ],
  [
    'tls_server_config:\n  cert_file: ca-server.crt\n  key_file: ca-another.key\n',
    3,
    'tls_server_config.key_file',
    /not the key of the certificate/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  min_version: TLS9\n`,
    4,
    'tls_server_config.min_version',
    /"TLS9".*TLS10, TLS11, TLS12, TLS13/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  min_version: TLS13\n  max_version: TLS12\n`,
    4,
    'tls_server_config.min_version',
    /above max_version/,
  ],
  [`tls_server_config:\n  ${CERT}\n  max_version: TLS11\n`, 4, 'tls_server_config.max_version', /above max_version/],
  [
    `tls_server_config:\n  ${CERT}\n  cipher_suites:\n    - TLS_AES_128_GCM_SHA256\n    - TLS_RSA_WITH_RC4_128_SHA\n`,
    6,
    'tls_server_config.cipher_suites[1]',
    /no known cipher suite/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  cipher_suites: TLS_AES_128_GCM_SHA256\n`,
    4,
    'tls_server_config.cipher_suites',
    /must be a list/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  curve_preferences: [P-256]\n`,
    4,
    'tls_server_config.curve_preferences[0]',
    /no known curve.*CurveP256/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  prefer_server_cipher_suites: perhaps\n`,
    4,
    'tls_server_config.prefer_server_cipher_suites',
    /neither true nor false/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  client_auth_type: Require\n`,
    4,
    'tls_server_config.client_auth_type',
    /"Require".*RequireAndVerifyClientCert/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  client_ca_file: ca.crt\n`,
    4,
    'tls_server_config.client_ca_file',
    /no effect without client_auth_type/,
  ],
  [
    `tls_server_config:\n  ${CERT}\n  client_auth_type: RequestClientCert\n  client_allowed_sans: [a]\n`,
    5,
    'tls_server_config.client_allowed_sans',
    /needs client_auth_type/,
  ],
  ['http_server_config:\n  http3: true\n', 2, 'http_server_config.http3', /unknown key/],
  ['http_server_config:\n  http2: "true"\n', 2, 'http_server_config.http2', /without quotes/],
  [
    'http_server_config:\n  headers:\n    X-Powered-By: me\n',
    3,
    'http_server_config.headers.X-Powered-By',
    /unknown key/,
  ],
  [
    'http_server_config:\n  headers:\n    X-Frame-Options: allow\n',
    3,
    'http_server_config.headers.X-Frame-Options',
    /deny or sameorigin/,
  ],
  [
    'http_server_config:\n  headers:\n    X-XSS-Protection: "0\\r\\nSet-Cookie: a=b"\n',
    3,
    'http_server_config.headers.X-XSS-Protection',
    /one line/,
  ],
  [
    'http_server_config:\n  headers:\n    Content-Security-Policy: |\n      a\n      b\n',
    3,
    'http_server_config.headers.Content-Security-Policy',
    /one line/,
  ],
  [
    'http_server_config:\n  headers:\n    Content-Security-Policy: "\\u0100"\n',
    3,
    'http_server_config.headers.Content-Security-Policy',
    /ASCII/,
  ],
  ['basic_auth_users:\n  alice: hunter2\n', 2, 'basic_auth_users.alice', /bcrypt hash.*htpasswd/],
  ['basic_auth_users:\n  alice:\n', 2, 'basic_auth_users.alice', /bcrypt hash/],
  [`basic_auth_users:\n  alice: ${SECRET_HASH.replace('$04$', '$03$')}\n`, 2, 'basic_auth_users.alice', /bcrypt hash/],
  [`basic_auth_users:\n  alice: ${SECRET_HASH.replace('$2b$', '$2x$')}\n`, 2, 'basic_auth_users.alice', /bcrypt hash/],
  [`basic_auth_users:\n  "a:b": ${SECRET_HASH}\n`, 2, 'basic_auth_users.a:b', /colon/],
  [`basic_auth_users:\n  "": ${SECRET_HASH}\n`, 2, 'basic_auth_users.', /empty/],
  ['rate_limit:\n  interval: 1\n  burst: 1\n', 2, 'rate_limit.interval', /not a duration; write 1s/],
  ['rate_limit:\n  interval: -1s\n  burst: 1\n', 2, 'rate_limit.interval', /not a duration/],
  ['rate_limit:\n  interval: 1s\n', 2, 'rate_limit.interval', /burst must be 1 or more/],
  ['rate_limit:\n  interval: 1s\n  burst: 0\n', 3, 'rate_limit.burst', /burst must be 1 or more/],
  ['rate_limit:\n  interval: 1s\n  burst: 1.5\n', 3, 'rate_limit.burst', /not a whole number/],
  ['rate_limit:\n  intervall: 1s\n', 2, 'rate_limit.intervall', /unknown key/],
];

for (const [text, line, key, why] of REFUSED) {
  test(
    `refused, with line ${line} and key ${key}: ${JSON.stringify(text.slice(0, 90))}`,
    needs('openssl'),
    async () => {
      const error: unknown = await read(text).then(
        () => 'it was accepted',
        (error_: unknown) => error_,
      );
      assert.ok(error instanceof WebConfigError, String(error));
      assert.equal(error.code, 'ERR_WEB_CONFIG');
      assert.deepEqual({ line: error.place.line, key: error.place.key }, { line, key });
      assert.match(error.message, why);
      assert.ok(error.message.includes(join(dir, 'web.yml')));
      if (line !== undefined) assert.ok(error.message.includes(`line ${line}`));
    },
  );
}

test('no error quotes a secret', needs('openssl'), async () => {
  const secrets = [
    'basic_auth_users:\n  alice: hunter2\n',
    'basic_auth_users:\n  alice: "hunter2\n',
    'basic_auth_users:\n  alice: [hunter2]\n',
    'basic_auth_users:\n  alice: hunter2: hunter2\n',
    'basic_auth_users:\n\talice: hunter2\n',
    'tls_server_config:\n  cert_file: ca-server.crt\n  key: hunter2\n',
  ];
  for (const text of secrets) {
    await assert.rejects(
      read(text),
      (error: Error) => !error.message.includes('hunter2') || assert.fail(error.message),
    );
  }
});

test('whatever the file holds, it is a configuration or refused as one', needs('openssl'), async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'rate_limit:',
      'basic_auth_users:',
      'http_server_config:',
      '  headers:',
      '  interval: 1s',
      '  burst: 3',
    ),
    fc.constantFrom('\n', '  ', '&a ', '*a', '!!map', '{', '}', '[', ']', '"', "'", '|', '>', '- ', ': ', '#', '?'),
    fc.string({ maxLength: 10 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      await read(pieces.join('')).catch((error: unknown) => assert.ok(error instanceof WebConfigError, String(error)));
    }),
  );
});

test('a bad or missing file is refused at start', needs('openssl'), async () => {
  const start = (webConfigFile: string) => startHttpServer({ source: fixedSource(''), port: 0, webConfigFile });
  const bad = join(dir, 'bad.yml');
  writeFileSync(bad, 'rate_limit:\n  intervall: 1s\n');
  await assert.rejects(start(bad), {
    code: 'ERR_WEB_CONFIG',
    message: /bad\.yml", line 2, rate_limit\.intervall: unknown/,
  });
  await assert.rejects(start(join(dir, 'absent.yml')), {
    code: 'ERR_WEB_CONFIG',
    message: /absent\.yml": cannot be read/,
  });
});
