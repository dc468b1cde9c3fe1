import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { Packr } from 'msgpackr';
import { pack as packPlain } from '../../src/metrics-file/pack.js';
import { currentIdentity } from '../../src/directory/identity.js';
import { BadFileError } from '../../src/errors.js';
import { openForReading, readHeader } from '../../src/metrics-file/header.js';
import type { Header } from '../../src/metrics-file/header.js';
import { FileState, HEADER } from '../../src/metrics-file/layout.js';
import { bareHeader, headerAround } from '../support/bare-file.js';
import { forkProgram } from '../support/forked-program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const IDENTITY = currentIdentity('flock');
const pack = (value: unknown): Uint8Array => new Packr({ useRecords: false }).pack(value);

/** Reads bytes as a file's header. */
function headerReader(t: TestContext): (bytes: Uint8Array) => Header {
  const path = join(withTempDir(t, { checkFiles: false }), '42-0-0123456789abcdef.prom-mp');
  return (bytes) => {
    writeFileSync(path, bytes);
    const fd = openForReading(path);
    try {
      return readHeader(fd, path);
    } finally {
      closeSync(fd);
    }
  };
}

/** A valid header with a change. */
function changed(change: (page: Buffer, words: DataView) => void): Buffer {
  const page = bareHeader(IDENTITY);
  change(page, new DataView(page.buffer, page.byteOffset, page.length));
  return page;
}

test('a header tells its writer and its state', (t) => {
  const header = headerReader(t)(bareHeader(IDENTITY, { state: FileState.Closed, heartbeat: 12.5 }));
  assert.deepEqual(header.identity, IDENTITY);
  assert.equal(header.state, FileState.Closed);
  assert.equal(header.heartbeat, 12.5);
  assert.equal(header.blockCount, 0);
});

test('fields of a newer minor version are ignored', (t) => {
  const page = headerAround(pack({ ...IDENTITY, container: 'x' }));
  page.writeUInt8(99, HEADER.versionMinor);
  const header = headerReader(t)(page);
  assert.deepEqual(header.identity, IDENTITY);
});

test('each broken rule has a different error, with the offset of its bytes', (t) => {
  const read = headerReader(t);
  const [mark] = new Uint32Array(bareHeader(IDENTITY).buffer.slice(8, 12));
  const cases: [RegExp, string, number, Uint8Array][] = [
    [/the file is empty/, 'ERR_NOT_A_METRICS_FILE', 0, Buffer.alloc(0)],
    [/another magic number/, 'ERR_NOT_A_METRICS_FILE', 0, Buffer.from('SQLite format 3\0')],
    [
      /the header is cut off \(needs 4096 bytes, has 100\)/,
      'ERR_CORRUPT_FILE',
      0,
      bareHeader(IDENTITY).subarray(0, 100),
    ],
    [/byte-order mark is damaged/, 'ERR_CORRUPT_FILE', 8, changed((page) => page.fill(0, 8, 12))],
    [/the other byte order/, 'ERR_CORRUPT_FILE', 8, changed((page) => page.subarray(8, 12).swap32())],
    [
      /got format version 257, expected 1/,
      'ERR_UNSUPPORTED_VERSION',
      12,
      changed((page) => page.fill(1, HEADER.versionMajor, HEADER.versionMajor + 2)),
    ],
    [
      /got format version 0, expected 1/,
      'ERR_UNSUPPORTED_VERSION',
      12,
      changed((page) => page.fill(0, HEADER.versionMajor, HEADER.versionMajor + 2)),
    ],
    [
      /length of the identity is impossible \(needs 4294967295 bytes, has 3968\)/,
      'ERR_CORRUPT_FILE',
      120,
      changed((page) => page.fill(0xff, HEADER.identityLength, HEADER.identityLength + 4)),
    ],
    [
      /length of the identity is impossible/,
      'ERR_CORRUPT_FILE',
      120,
      changed((page) => page.fill(0, HEADER.identityLength, HEADER.identityLength + 4)),
    ],
    [/checksum of the identity is wrong/, 'ERR_CORRUPT_FILE', 124, changed((page) => page.fill(0x55, 140, 141))],
    [/the identity cannot be read/, 'ERR_CORRUPT_FILE', 128, headerAround(Buffer.from([0xc1]))],
  ];
  assert.equal(mark, 0x01020304);
  for (const [message, code, offset, bytes] of cases) {
    assert.throws(
      () => read(bytes),
      (error: unknown) => {
        assert.ok(error instanceof BadFileError);
        assert.match(error.message, message);
        assert.equal(error.code, code);
        assert.equal(error.evidence.offset, offset);
        return true;
      },
    );
  }
});

test('an identity with an impossible field is refused with the name of the field', (t) => {
  const read = headerReader(t);
  const impossible: [string, unknown[]][] = [
    ['pid', [0, -1, 1.5, NaN, 2 ** 31, '42', null]],
    ['threadId', [-1, 0.5, 2 ** 32, '0']],
    ['osThread', [12, '12', '12:', ':12', '1:2\n', null]],
    ['startTime', [12, '-1', '1 2', '1\n', 'x', '1'.repeat(21)]],
    ['bootId', ['../../etc', 'x'.repeat(10), 5]],
    ['pidNamespace', ['pid:[]', 'net:[1]', 'pid:[1]\n']],
    ['hostName', ['h'.repeat(257), 7, ['h']]],
    ['id', ['0123456789abcde', '0123456789ABCDEF', '../0123456789abc', '0123456789abcdef\n']],
    ['startedAt', [-1, NaN, Infinity, '1', 1e300]],
    ['createdAt', [-1, null]],
    ['liveness', ['lock', '', 0, 'constructor', null]],
  ];
  for (const [field, values] of impossible) {
    for (const value of values) {
      const page = headerAround(pack({ ...IDENTITY, [field]: value }));
      assert.throws(
        () => read(page),
        { code: 'ERR_CORRUPT_FILE', message: new RegExp(`its ${field} is`) },
        String(value),
      );
    }
  }
  for (const value of [null, 5, 'text', [], [IDENTITY], {}]) {
    assert.throws(() => read(headerAround(pack(value))), { code: 'ERR_CORRUPT_FILE' });
  }
});

test('a field that is missing, or that a key __proto__ would provide, is missing', (t) => {
  const { liveness: _, ...rest } = IDENTITY;
  assert.throws(() => headerReader(t)(headerAround(pack(rest))), { message: /its liveness is missing/ });
  const lent = pack([rest, '__proto__', { liveness: 'flock' }]).slice(1);
  assert.equal(lent[0], 0xde, 'msgpackr packs objects as map 16');
  lent[2]++;
  assert.throws(() => headerReader(t)(headerAround(lent)), { message: /its liveness is missing/ });
});

test('a header cut off at any byte, or with any byte changed, is read or refused and nothing else', (t) => {
  const read = headerReader(t);
  const whole = bareHeader(IDENTITY);
  const end = HEADER.identity + packPlain(IDENTITY).length;
  for (let length = 0; length < end; length++) {
    assert.throws(() => read(whole.subarray(0, length)), BadFileError);
  }
  for (let at = 0; at < end; at++) {
    for (const bits of [0x01, 0x80, 0xff]) {
      const page = Buffer.from(whole);
      page[at] ^= bits;
      let header: Header | undefined;
      try {
        header = read(page);
      } catch (error) {
        assert.ok(error instanceof BadFileError, `byte ${at}`);
      }
      if (header !== undefined) assert.deepEqual(header.identity, IDENTITY);
      if (at >= HEADER.identityLength || at < HEADER.versionMinor) assert.equal(header, undefined, `byte ${at}`);
    }
  }
});

test('an identity of random bytes with a correct checksum is refused', (t) => {
  const read = headerReader(t);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (packed) => {
      assert.throws(() => read(headerAround(packed)), { code: 'ERR_CORRUPT_FILE' });
    }),
  );
  for (const huge of ['ddffffffff', 'dfffffffff', 'dbffffffff', 'c6ffffffff', 'c9ffffffff74', '91'.repeat(3900)]) {
    assert.throws(() => read(headerAround(Buffer.from(huge, 'hex'))), { code: 'ERR_CORRUPT_FILE' });
  }
});

test('only a regular file is opened, and opening never waits', async (t) => {
  const dir = withTempDir(t);
  const file = join(dir, 'file');
  writeFileSync(file, '');
  const link = join(dir, 'link');
  symlinkSync(file, link);
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const directory = join(dir, 'directory');
  mkdirSync(directory);
  const socket = join(dir, 'socket');
  const server = createServer().listen(socket);
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  for (const path of [link, fifo, directory, socket, '/dev/null']) {
    assert.throws(() => openForReading(path), { code: 'ERR_NOT_A_METRICS_FILE' }, path);
  }
  assert.throws(() => openForReading(join(dir, 'nowhere')), { code: 'ENOENT' });
});

test('a file that this user may not read has a different error from a bad one', needs('other users'), async (t) => {
  const dir = withTempDir(t);
  chmodSync(dir, 0o755);
  const path = join(dir, 'file');
  writeFileSync(path, bareHeader(IDENTITY), { mode: 0o600 });
  const reader = forkProgram(t, 'metrics-file/programs/opener', [path], { uid: 1000, gid: 1000 });
  const error = await reader.nextMessage<{ code: string; message: string }>();
  assert.equal(error.code, 'ERR_PERMISSION');
  assert.match(error.message, /uid 1000/);
});
