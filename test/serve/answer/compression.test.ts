import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import { codingFor, encoded, OFFERED_CODINGS } from '../../../src/serve/answer/compression.js';
import { DeadProcess } from '../../support/dead-process.js';
import { ask } from '../../support/http-request.js';
import { nodeRelease } from '../../support/node-release.js';
import { DIST, startProgram } from '../../support/program.js';
import { withTempDir } from '../../support/temp-dir.js';

const hasZstd = 'zstdCompress' in zlib;

test('what is offered is what this Node can do', () => {
  assert.deepEqual(OFFERED_CODINGS, hasZstd ? ['zstd', 'gzip', 'identity'] : ['gzip', 'identity']);
  assert.equal(codingFor('zstd', 5000), hasZstd ? 'zstd' : 'identity');
});

test('a tiny body is not compressed, unless the client refuses it as it is', () => {
  assert.equal(codingFor('gzip', 1023), 'identity');
  assert.equal(codingFor('gzip', 1024), 'gzip');
  assert.equal(codingFor('gzip, identity;q=0', 10), 'gzip');
});

test('answers from one body share one compression of it', async () => {
  const body = Buffer.from('a_total 1\n'.repeat(1000));
  const [one, other] = [encoded(body, 'gzip'), encoded(body, 'gzip')];
  assert.equal(one, other);
  assert.deepEqual(zlib.gunzipSync(await one), body);
  assert.notEqual(encoded(Buffer.from(body), 'gzip'), one);
});

test('a body that is not compressed is the body itself', () => {
  const body = Buffer.from('a 1\n');
  assert.equal(encoded(body, 'identity'), body);
});

test('a server under Node 22 answers in zstd, and it is the same text', async (t) => {
  const node = await nodeRelease(22);
  const dir = withTempDir(t);
  const counting = new DeadProcess(dir);
  for (let queue = 0; queue < 500; queue++) counting.count('jobs_total', { queue: `queue ${queue}` }, queue);
  counting.die();
  const cli = join(DIST, 'src', 'cli', 'main.js');
  const args = [cli, 'serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0'];
  const [, url] = await startProgram(t, node, args).printed(/on (http:\S+)\n/);

  const plain = await ask(url);
  for (const [header, coding] of [
    ['zstd', 'zstd'],
    ['gzip;q=0.5, zstd', 'zstd'],
    ['gzip;q=0, identity;q=0, *;q=0.1', 'zstd'],
    ['gzip, zstd;q=0.9', 'gzip'],
    ['zstd;q=0, *', 'gzip'],
  ]) {
    const { headers, body } = await ask(url, { headers: { 'accept-encoding': header } });
    assert.equal(headers['content-encoding'], coding, header);
    assert.equal(headers['content-length'], String(body.length));
    const text = coding === 'gzip' ? zlib.gunzipSync(body).toString() : unzstd(node, body);
    assert.equal(counts(text), counts(plain.text));
  }
  const head = await ask(url, { method: 'HEAD', headers: { 'accept-encoding': 'zstd' } });
  assert.equal(head.headers['content-encoding'], 'zstd');
  assert.equal(head.body.length, 0);
});

/** Node 20 cannot. */
function unzstd(node: string, body: Buffer): string {
  const program = 'process.stdout.write(zlib.zstdDecompressSync(fs.readFileSync(0)))';
  return spawnSync(node, ['-e', program], { input: body, encoding: 'utf8' }).stdout;
}

/** Without the collector's own metrics, some of which are other ones at every scrape. */
function counts(text: string): string {
  const lines = text.split('\n').filter((line) => line.includes('jobs_total'));
  assert.equal(lines.length, 502);
  return lines.join('\n');
}
