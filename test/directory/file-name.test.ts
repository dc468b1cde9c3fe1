import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  archiveName,
  archiveTemporaryName,
  dataFileName,
  isNamedAfter,
  isTemporaryName,
  MAX_GENERATION,
  parseArchiveName,
  parseDataFileName,
  temporaryName,
} from '../../src/directory/file-name.js';

const ID = '0123456789abcdef';
const id = fc.stringMatching(/^[0-9a-f]{16}$/);
const writer = fc.record({ pid: fc.integer({ min: 1, max: 2 ** 31 - 1 }), threadId: fc.nat(2 ** 31 - 1), id });

test('the name of a data file identifies its writer', () => {
  assert.equal(dataFileName({ pid: 42, threadId: 0, id: ID }), '42-0-0123456789abcdef.prom-mp');
  fc.assert(
    fc.property(writer, (who) => {
      const name = dataFileName(who);
      assert.deepEqual(parseDataFileName(name), { name, ...who });
      assert.equal(isTemporaryName(temporaryName(name)), true);
      assert.equal(parseDataFileName(temporaryName(name)), undefined);
      assert.equal(isTemporaryName(name), false);
    }),
  );
});

test('the name of an archive contains its generation, and sorts by it', () => {
  assert.equal(archiveName(7), 'archive-000000000007.prom-mp-archive');
  fc.assert(
    fc.property(fc.nat(MAX_GENERATION), fc.nat(MAX_GENERATION), id, (a, b, random) => {
      assert.deepEqual(parseArchiveName(archiveName(a)), { name: archiveName(a), generation: a });
      assert.equal(archiveName(a) < archiveName(b), a < b);
      assert.equal(isTemporaryName(archiveTemporaryName(a, random)), true);
      assert.equal(parseArchiveName(archiveTemporaryName(a, random)), undefined);
    }),
  );
});

test('names of other programs are not parsed', () => {
  const strangers = [
    '',
    '.',
    '..',
    `../42-0-${ID}.prom-mp`,
    `42-0-${ID}.prom-mp/..`,
    `42-0-${ID}.prom-mp\n`,
    `\n42-0-${ID}.prom-mp`,
    `042-0-${ID}.prom-mp`,
    `0-0-${ID}.prom-mp`,
    `-1-0-${ID}.prom-mp`,
    `42-00-${ID}.prom-mp`,
    `42-0-${ID.toUpperCase()}.prom-mp`,
    `42-0-${ID}0.prom-mp`,
    `42-0-${ID}.prom-mp.bak`,
    `99999999999-0-${ID}.prom-mp`,
    'counter_42.db',
    'archive-7.prom-mp-archive',
    'archive-0000000000007.prom-mp-archive',
    '.archive-000000000007.tmp',
    '.tmp',
    '..tmp',
    `.42-0-${ID}.prom-mp`,
    `42-0-${ID}.prom-mp.tmp`,
  ];
  for (const name of strangers) {
    assert.equal(parseDataFileName(name), undefined, name);
    assert.equal(parseArchiveName(name), undefined, name);
    assert.equal(isTemporaryName(name), false, name);
  }
});

test('a name has one form: every name that is parsed is written in the same way', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9]{1,3}-[0-9]{1,2}-[0-9a-f]{16}\.prom-mp$/)), (name) => {
      const parsed = parseDataFileName(name);
      if (parsed !== undefined) assert.equal(dataFileName(parsed), name);
    }),
  );
});

test('a copy under another name is not the file of its writer', () => {
  const file = { name: dataFileName({ pid: 42, threadId: 0, id: ID }), pid: 42, threadId: 0, id: ID };
  assert.equal(isNamedAfter(file, file), true);
  assert.equal(isNamedAfter(file, { ...file, pid: 43 }), false);
  assert.equal(isNamedAfter(file, { ...file, threadId: 1 }), false);
  assert.equal(isNamedAfter(file, { ...file, id: 'f'.repeat(16) }), false);
});
