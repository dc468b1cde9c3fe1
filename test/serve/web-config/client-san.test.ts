import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { subjectAlternativeNames } from '../../../src/serve/web-config/client-san.js';

const CASES: readonly (readonly [written: string | undefined, names: readonly string[], why: string])[] = [
  [undefined, [], 'no extension'],
  ['DNS:a.example', ['a.example'], 'one name'],
  ['DNS:a.example, DNS:*.b.example, IP Address:127.0.0.1', ['a.example', '*.b.example', '127.0.0.1'], 'several'],
  ['IP Address:2001:DB8:0:0:0:0:0:1', ['2001:db8::1'], 'one spelling of IPv6'],
  ['email:me@example.org, URI:spiffe://a/b', ['me@example.org', 'spiffe://a/b'], 'other kinds'],
  ['DirName:"CN = a.example", DNS:b.example', ['b.example'], 'directory names do not count'],
  ['othername:<unsupported>, DNS:b.example', ['b.example'], 'nor do others'],
  ['DNS:"evil.example, DNS:a.example"', ['evil.example, DNS:a.example'], 'a quoted comma separates nothing'],
  ['DNS:"a\\"b, DNS:c"', ['a"b, DNS:c'], 'nor does a quoted quote'],
  ['DNS:a.example, nonsense', [], 'a list that cannot be read has no names'],
  ['DNS:"a.example', [], 'nor has one with an open quote'],
];

for (const [written, names, why] of CASES) {
  test(`subject alternative names ${JSON.stringify(written)}: ${why}`, () => {
    assert.deepEqual(subjectAlternativeNames({ subjectAltName: written } as X509Certificate), names);
  });
}
