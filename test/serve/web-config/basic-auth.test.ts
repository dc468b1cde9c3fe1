import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Authenticator, parseBasicCredentials } from '../../../src/serve/web-config/basic-auth.js';
import { ask, basic } from '../../support/http-request.js';
import { withTempDir } from '../../support/temp-dir.js';
import { serving } from '../serving.js';
import { CHANGED_HASH, COLON_HASH, SECRET_HASH, WebConfigFile } from './web-config-file.js';

/** Of `secret`, as SECRET_HASH, at cost 5. */
const SECRET_HASH_COST_5 = '$2b$05$npl3Mx3J0fPGMOMkEEmgxuvOkvQTy3Uj1uFkinjkwWOJ2KlJ34iSy';

/** Counts comparisons, and ends each when the test wants it. */
class CountedBcrypt {
  readonly compared: { password: string; hash: string }[] = [];
  /** The one password that matches, whatever the hash. */
  matching = 'secret';

  readonly compare = async (password: string, hash: string): Promise<boolean> => {
    this.compared.push({ password, hash });
    return password === this.matching;
  };
}

const header = (user: string, password: string) => basic(user, password).authorization;

test('the probes are answered without credentials, and tell nothing else', async (t) => {
  const { path } = new WebConfigFile(withTempDir(t), `basic_auth_users:\n  alice: ${SECRET_HASH}\n`);
  const { url } = await serving(t, { webConfigFile: path });
  for (const [probe, text] of [
    ['/-/healthy', 'prom-multiproc is healthy.'],
    ['/-/ready', 'prom-multiproc is ready.'],
  ]) {
    const response = await ask(url + probe);
    assert.deepEqual([response.status, response.text.trim()], [200, text]);
  }
  for (const other of ['/metrics', '/-/healthy/metrics', '/-/other']) {
    assert.equal((await ask(url + other)).status, 401);
  }
});

test('right credentials get in, everything else gets 401 and is told how', async (t) => {
  const users = `basic_auth_users:\n  alice: ${SECRET_HASH}\n  jürgen: ${COLON_HASH}\n`;
  const { path } = new WebConfigFile(withTempDir(t), users);
  const { url } = await serving(t, { webConfigFile: path });
  assert.equal((await ask(`${url}/metrics`, { headers: basic('alice', 'secret') })).text, 'up 1\n');
  assert.equal((await ask(`${url}/metrics`, { headers: basic('jürgen', 'schön:gut') })).status, 200);
  assert.equal((await ask(`${url}/`, { headers: basic('alice', 'secret') })).status, 200);

  const refused = [
    undefined,
    header('alice', 'wrong'),
    header('alice', ''),
    header('', 'secret'),
    header('mallory', 'secret'),
    header('Alice', 'secret'),
    header('jürgen', 'secret'),
    'Basic',
    'Basic ',
    'Basic !!!!',
    'Basic =',
    `Basic ${Buffer.from('no colon').toString('base64')}`,
    `Basic ${Buffer.from([0xff, 0xfe, 0x3a, 0x41]).toString('base64')}`,
    `${header('alice', 'secret')} trailing`,
    header('alice', 'secret').replace('Basic', 'Bearer'),
    header('alice', 'secret\0'),
    `Digest username="alice"`,
    `Basic ${'A'.repeat(10_000)}`,
    '\u00ff'.repeat(100),
  ];
  for (const authorization of refused) {
    for (const page of ['/metrics', '/', '/nothing', '//trick']) {
      const { status, headers, text } = await ask(url + page, {
        headers: authorization === undefined ? {} : { authorization },
      });
      assert.equal(status, 401, `${page} with ${authorization}`);
      assert.match(String(headers['www-authenticate']), /^Basic realm="/);
      assert.doesNotMatch(text, /up 1/);
    }
  }
});

test('POST is refused for its credentials before its method', async (t) => {
  const { path } = new WebConfigFile(withTempDir(t), `basic_auth_users:\n  alice: ${SECRET_HASH}\n`);
  const { url } = await serving(t, { webConfigFile: path });
  assert.equal((await ask(`${url}/metrics`, { method: 'POST' })).status, 401);
  assert.equal((await ask(`${url}/metrics`, { method: 'POST', headers: basic('alice', 'secret') })).status, 405);
});

test('an unknown user costs one comparison at the same cost, as a known one does', async () => {
  const bcrypt = new CountedBcrypt();
  const authenticator = new Authenticator(new Map([['alice', SECRET_HASH]]), bcrypt.compare);
  assert.equal(await authenticator.judge(header('alice', 'wrong')), 'denied');
  assert.equal(bcrypt.compared.length, 1);
  assert.equal(await authenticator.judge(header('mallory', 'wrong')), 'denied');
  assert.equal(bcrypt.compared.length, 2);
  // and even the right password of somebody else is of no use to it
  assert.equal(await authenticator.judge(header('mallory', 'secret')), 'denied');
  assert.equal(bcrypt.compared.length, 3);
  for (const { hash } of bcrypt.compared) assert.match(hash, /^\$2b\$04\$[./A-Za-z0-9]{53}$/);
  assert.notEqual(bcrypt.compared[1].hash, SECRET_HASH);
});

test('where users have different costs, an unknown one always has the same one of them', async () => {
  const bcrypt = new CountedBcrypt();
  const users = new Map([
    ['alice', SECRET_HASH],
    ['bob', SECRET_HASH_COST_5],
  ]);
  const authenticator = new Authenticator(users, bcrypt.compare);
  const costs = new Set<string>();
  for (let name = 0; name < 50; name++) {
    await authenticator.judge(header(`nobody${name}`, 'a'));
    await authenticator.judge(header(`nobody${name}`, 'b'));
    const [one, other] = bcrypt.compared.splice(0).map(({ hash }) => hash.slice(0, 7));
    assert.equal(one, other);
    costs.add(one);
  }
  assert.deepEqual([...costs].toSorted(), ['$2b$04$', '$2b$05$']);
});

test('verdicts are remembered, admitted and denied', async () => {
  const bcrypt = new CountedBcrypt();
  const authenticator = new Authenticator(new Map([['alice', SECRET_HASH]]), bcrypt.compare);
  for (let request = 0; request < 3; request++) {
    assert.equal(await authenticator.judge(header('alice', 'secret')), 'admitted');
    assert.equal(await authenticator.judge(header('alice', 'wrong')), 'denied');
    assert.equal(await authenticator.judge(header('mallory', 'secret')), 'denied');
  }
  assert.equal(bcrypt.compared.length, 3);
});

test('a thousand first requests with the same credentials are one comparison', async () => {
  const bcrypt = new CountedBcrypt();
  const authenticator = new Authenticator(new Map([['alice', SECRET_HASH]]), bcrypt.compare);
  const verdicts = await Promise.all(
    Array.from({ length: 1000 }, () => authenticator.judge(header('alice', 'secret'))),
  );
  assert.deepEqual(new Set(verdicts), new Set(['admitted']));
  assert.equal(bcrypt.compared.length, 1);
});

test('a flood of wrong passwords does not make the right one be forgotten', async () => {
  const bcrypt = new CountedBcrypt();
  const authenticator = new Authenticator(new Map([['alice', SECRET_HASH]]), bcrypt.compare);
  await authenticator.judge(header('alice', 'secret'));
  for (let guess = 0; guess < 1500; guess++) await authenticator.judge(header('alice', `guess${guess}`));
  bcrypt.compared.length = 0;
  assert.equal(await authenticator.judge(header('alice', 'secret')), 'admitted');
  assert.equal(bcrypt.compared.length, 0);
  // the oldest guess was forgotten, for memory is bounded
  await authenticator.judge(header('alice', 'guess0'));
  assert.equal(bcrypt.compared.length, 1);
});

test('the next version of a configuration remembers the passwords that it has not changed', async () => {
  const bcrypt = new CountedBcrypt();
  const first = new Authenticator(new Map([['alice', SECRET_HASH]]), bcrypt.compare);
  assert.equal(await first.judge(header('alice', 'secret')), 'admitted');
  assert.equal(await first.judge(header('mallory', 'secret')), 'denied');
  const users = new Map([
    ['alice', SECRET_HASH],
    ['mallory', SECRET_HASH],
  ]);
  const second = new Authenticator(users, bcrypt.compare, first);
  assert.equal(await second.judge(header('alice', 'secret')), 'admitted');
  assert.equal(bcrypt.compared.length, 2);
  assert.equal(await second.judge(header('mallory', 'secret')), 'admitted', 'a user that there is now');
  bcrypt.matching = 'changed';
  const third = new Authenticator(new Map([['alice', CHANGED_HASH]]), bcrypt.compare, second);
  assert.equal(await third.judge(header('alice', 'secret')), 'denied');
  assert.equal(await third.judge(header('alice', 'changed')), 'admitted');
  assert.equal(bcrypt.compared.length, 5);
  assert.equal(await third.judge(header('mallory', 'secret')), 'denied', 'a user that has gone');
});

test('unknown users wait for each other, and a user for requests from the same address', async () => {
  const lanes: string[] = [];
  const compare = async (_password: string, _hash: string, lane: string): Promise<boolean> => {
    lanes.push(lane);
    return Promise.resolve(false);
  };
  const authenticator = new Authenticator(new Map([['alice', SECRET_HASH]]), compare);
  await authenticator.judge(header('one', 'a'), '10.0.0.1');
  await authenticator.judge(header('other', 'a'), '10.0.0.2');
  await authenticator.judge(header('alice', 'a'), '10.0.0.1');
  await authenticator.judge(header('alice', 'b'), '10.0.0.1');
  await authenticator.judge(header('alice', 'c'), '10.0.0.2');
  const [one, other, ...alice] = lanes;
  assert.equal(one, other);
  assert.equal(alice[0], alice[1]);
  assert.equal(new Set([one, alice[0], alice[2]]).size, 3);
});

test('when too many comparisons wait, nobody is admitted and nothing is remembered', async () => {
  let queueIsFull = true;
  const compare = (): Promise<boolean> | undefined => (queueIsFull ? undefined : Promise.resolve(true));
  const authenticator = new Authenticator(new Map([['alice', SECRET_HASH]]), compare);
  assert.equal(await authenticator.judge(header('alice', 'secret')), 'busy');
  queueIsFull = false;
  assert.equal(await authenticator.judge(header('alice', 'secret')), 'admitted');
});

test('credentials are read as RFC 7617 writes them, and nothing else is', () => {
  const text = fc.string({ unit: 'grapheme' }).filter((value) => !/\p{Cc}/u.test(value));
  fc.assert(
    fc.property(
      text.filter((user) => !user.includes(':')),
      text,
      (user, password) => {
        assert.deepEqual(parseBasicCredentials(header(user, password)), { user, password });
        assert.deepEqual(parseBasicCredentials(header(user, password).replace('Basic ', 'bAsIc   ')), {
          user,
          password,
        });
      },
    ),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      assert.doesNotThrow(() => parseBasicCredentials(value));
      assert.doesNotThrow(() => parseBasicCredentials(`Basic ${value}`));
    }),
  );
});
