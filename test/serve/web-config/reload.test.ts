import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { once } from 'node:events';
import { TestAuthority, type Certificate } from '../../support/certificates.js';
import { ask, basic } from '../../support/http-request.js';
import { withTempDir } from '../../support/temp-dir.js';
import { serving } from '../serving.js';
import { CHANGED_HASH, SECRET_HASH, WebConfigFile } from './web-config-file.js';
import { needs } from '../../support/needs.js';

const users = (hash: string) => `basic_auth_users:\n  alice: ${hash}\n`;

test('the request after a change sees it: users, passwords, headers', async (t) => {
  const file = new WebConfigFile(withTempDir(t), users(SECRET_HASH));
  const { url, warnings } = await serving(t, { webConfigFile: file.path });
  const statusWith = async (password: string) =>
    (await ask(`${url}/metrics`, { headers: basic('alice', password) })).status;
  assert.deepEqual([await statusWith('secret'), await statusWith('changed')], [200, 401]);
  file.replace(users(CHANGED_HASH));
  assert.deepEqual([await statusWith('secret'), await statusWith('changed')], [401, 200]);
  file.overwrite(users(SECRET_HASH));
  assert.deepEqual([await statusWith('secret'), await statusWith('changed')], [200, 401]);
  file.replace(`${users(SECRET_HASH)}http_server_config:\n  headers:\n    X-Frame-Options: deny\n`);
  const { status, headers } = await ask(`${url}/`);
  assert.deepEqual([status, headers['x-frame-options']], [401, 'deny']);
  assert.deepEqual(warnings, []);
});

test('the configured headers are on every answer', async (t) => {
  const headers =
    'http_server_config:\n  headers:\n    Content-Security-Policy: none\n    Strict-Transport-Security: max-age=1\n';
  const file = new WebConfigFile(withTempDir(t), headers);
  const { url } = await serving(t, { webConfigFile: file.path });
  for (const page of ['/', '/metrics', '/nothing', '//trick']) {
    const answer = await ask(url + page);
    assert.equal(answer.headers['content-security-policy'], 'none');
    assert.equal(answer.headers['strict-transport-security'], 'max-age=1');
  }
});

test('changes in quick succession are each seen, though file times may not tell them apart', async (t) => {
  const file = new WebConfigFile(withTempDir(t), users(SECRET_HASH));
  const { url } = await serving(t, { webConfigFile: file.path });
  for (let change = 0; change < 50; change++) {
    const [hash, password] = change % 2 === 0 ? [CHANGED_HASH, 'changed'] : [SECRET_HASH, 'secret'];
    file.overwrite(users(hash));
    assert.equal((await ask(`${url}/metrics`, { headers: basic('alice', password) })).status, 200, `change ${change}`);
  }
});

test('a bad new file leaves the old configuration in force, and says so once', async (t) => {
  const file = new WebConfigFile(withTempDir(t), users(SECRET_HASH));
  const { url, warnings } = await serving(t, { webConfigFile: file.path });
  const stillGuarded = async () => {
    assert.equal((await ask(`${url}/metrics`, { headers: basic('alice', 'secret') })).status, 200);
    assert.equal((await ask(`${url}/metrics`)).status, 401);
  };
  file.replace('basic_auth_user:\n  alice: x\n');
  await stillGuarded();
  await stillGuarded();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0], /web\.yml", line 1, basic_auth_user: unknown key.*from before stays in force/);

  file.replace('basic_auth_users: [\n');
  await stillGuarded();
  assert.equal(warnings.length, 2);
  rmSync(file.path);
  await stillGuarded();
  assert.equal(warnings.length, 3);
  assert.match(warnings[2], /cannot be read \(ENOENT\)/);

  file.replace(users(CHANGED_HASH));
  assert.equal((await ask(`${url}/metrics`, { headers: basic('alice', 'changed') })).status, 200);
  assert.equal(warnings.length, 3);
  file.replace('basic_auth_users: [\n');
  await ask(`${url}/metrics`);
  assert.equal(warnings.length, 4);
});

test('authentication is not turned off by a reload, as by a file that is just being rewritten', async (t) => {
  const file = new WebConfigFile(withTempDir(t), users(SECRET_HASH));
  const { url, warnings } = await serving(t, { webConfigFile: file.path });
  for (const text of ['', 'rate_limit:\n', 'basic_auth_users: {}\n']) {
    file.overwrite(text);
    assert.equal((await ask(`${url}/metrics`)).status, 401);
  }
  assert.match(warnings[0], /basic_auth_users: authentication cannot be turned off while serving; restart for that/);
  assert.equal(warnings.length, 1);
});

test('authentication can be turned on by a reload', async (t) => {
  const file = new WebConfigFile(withTempDir(t), '');
  const { url } = await serving(t, { webConfigFile: file.path });
  assert.equal((await ask(`${url}/metrics`)).status, 200);
  file.replace(users(SECRET_HASH));
  assert.equal((await ask(`${url}/metrics`)).status, 401);
});

test("a Kubernetes secret's swap of links is seen", async (t) => {
  const dir = withTempDir(t);
  for (const [version, hash] of Object.entries({ one: SECRET_HASH, two: CHANGED_HASH })) {
    mkdirSync(join(dir, version));
    writeFileSync(join(dir, version, 'web.yml'), users(hash));
  }
  symlinkSync('one', join(dir, '..data'));
  symlinkSync('..data/web.yml', join(dir, 'web.yml'));
  const { url } = await serving(t, { webConfigFile: join(dir, 'web.yml') });
  assert.equal((await ask(`${url}/metrics`, { headers: basic('alice', 'secret') })).status, 200);
  symlinkSync('two', join(dir, '..next'));
  renameSync(join(dir, '..next'), join(dir, '..data'));
  assert.equal((await ask(`${url}/metrics`, { headers: basic('alice', 'changed') })).status, 200);
});

test('a renewed certificate is shown to the next connection, and a broken one never', needs('openssl'), async (t) => {
  const dir = withTempDir(t);
  const authority = new TestAuthority(dir);
  const [first, second] = [authority.issue('first', 'DNS:localhost'), authority.issue('second', 'DNS:localhost')];
  const put = ({ cert, key }: Pick<Certificate, 'cert' | 'key'>) => {
    writeFileSync(join(dir, 'tls.crt'), cert);
    writeFileSync(join(dir, 'tls.key'), key);
  };
  put(first);
  const file = new WebConfigFile(dir, 'tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n');
  const { port, warnings } = await serving(t, { webConfigFile: file.path });
  const shown = async () => {
    const socket = connectTls({ port, ca: authority.cert, servername: 'localhost' });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };
  assert.equal(await shown(), 'first');
  put(second);
  assert.equal(await shown(), 'second');
  // half of a renewal: the certificate is there before its key
  put({ cert: first.cert, key: second.key });
  assert.equal(await shown(), 'second');
  assert.match(warnings.join('\n'), /tls_server_config\.key_file: is not the key of the certificate/);
  put(first);
  assert.equal(await shown(), 'first');
  assert.equal(warnings.length, 1);
});

test(
  'TLS is neither turned on nor off, nor client certificates made optional, by a reload',
  needs('openssl'),
  async (t) => {
    const dir = withTempDir(t);
    const authority = new TestAuthority(dir);
    const { certFile, keyFile, cert, key } = authority.issue('server', 'DNS:localhost,IP:127.0.0.1');
    const tls = `tls_server_config:\n  cert_file: ${certFile}\n  key_file: ${keyFile}\n`;
    const mutual = `${tls}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ${authority.certFile}\n`;

    const plain = new WebConfigFile(dir, '');
    const open = await serving(t, { webConfigFile: plain.path });
    plain.replace(tls);
    assert.equal((await ask(`${open.url}/metrics`)).status, 200);
    assert.match(open.warnings[0], /tls_server_config: TLS cannot be turned on while serving/);

    const file = new WebConfigFile(dir, mutual);
    const { url, warnings } = await serving(t, { webConfigFile: file.path });
    for (const text of ['', tls, mutual.replace('RequireAndVerify', 'RequireAny')]) {
      file.replace(text);
      await assert.rejects(ask(`${url}/metrics`, { ca: authority.cert }));
      assert.equal((await ask(`${url}/metrics`, { ca: authority.cert, cert, key })).status, 200);
    }
    assert.deepEqual(
      warnings.map((warning) => /: ([a-zA-Z ]+) cannot/.exec(warning)?.[1]),
      ['TLS', 'the demand for client certificates', 'the verification of client certificates'],
    );
  },
);

test('the connections of an older configuration are asked to come again', needs('openssl'), async (t) => {
  const dir = withTempDir(t);
  const authority = new TestAuthority(dir);
  const { certFile, keyFile } = authority.issue('server', 'DNS:localhost,IP:127.0.0.1');
  const tls = `tls_server_config:\n  cert_file: ${certFile}\n  key_file: ${keyFile}\n`;
  const file = new WebConfigFile(dir, tls);
  const { url } = await serving(t, { webConfigFile: file.path });
  const agent = new Agent({ keepAlive: true, ca: authority.cert });
  const connection = async () => (await ask(`${url}/metrics`, { agent })).headers.connection;
  assert.equal(await connection(), 'keep-alive');
  assert.equal(await connection(), 'keep-alive');
  file.replace(`${tls}  min_version: TLS13\n`);
  assert.equal(await connection(), 'close');
  assert.equal(await connection(), 'keep-alive');
  agent.destroy();
});
