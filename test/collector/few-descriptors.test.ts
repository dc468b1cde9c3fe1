/** A process that runs out of descriptors, or whose disk fails: it returns a complete result or an error. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test, type TestContext } from 'node:test';
import { Reading } from '../support/reading.js';
import { afterTest } from '../support/after-test.js';
import { DeadProcess, ELSEWHERE } from '../support/dead-process.js';
import { startProgram, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { join } from 'node:path';

const CLI = join(__dirname, '..', '..', 'src', 'cli', 'main.js');
const FILES = 60;

/** Creates files of processes that may be alive, which are read at every scrape. */
function fill(dir: string): void {
  for (let at = 0; at < FILES; at++) new DeadProcess(dir, { identity: ELSEWHERE }).count('jobs_total', {}, 1).die();
}

/** Makes those calls of a function fail that `fails` chooses by their number. */
function failing(t: TestContext, name: 'openSync' | 'readSync', code: string, fails: (call: number) => boolean): void {
  const original = fs[name] as (...values: unknown[]) => unknown;
  let call = 0;
  t.mock.method(fs, name, (...values: unknown[]) => {
    if (fails(call++)) throw Object.assign(new Error(`${code}: as on a bad day`), { code });
    return original(...values);
  });
}

test('a server with few descriptors returns complete results every time', async (t) => {
  const dir = withTempDir(t);
  fill(dir);
  const command = `ulimit -n 48; exec "$@"`;
  const args = [process.execPath, CLI, 'serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0'];
  const server = startProgram(t, 'sh', ['-c', command, 'sh', ...args], {});
  const [, url] = await server.printed(/on (http\S+)/);
  for (let scrape = 0; scrape < 5; scrape++) {
    const text = await until(async () => (await fetch(url)).text());
    assert.match(text, new RegExp(`^jobs_total ${FILES}$`, 'm'));
    assert.match(text, /^prom_multiproc_files_skipped\{reason="other"\} 0$/m);
  }
});

for (const code of ['EMFILE', 'ENFILE', 'ENOMEM', 'EIO']) {
  test(`${code}: after one error the read is repeated, after two the scrape fails, and the next one is complete`, (t) => {
    const dir = withTempDir(t);
    fill(dir);
    const reading = new Reading(dir);
    afterTest(t, () => reading.close());
    for (const name of ['openSync', 'readSync'] as const) {
      for (const at of [0, 7, 100]) {
        failing(t, name, code, (call) => call === at);
        assert.deepEqual(reading.values(), { jobs_total: FILES });
        t.mock.restoreAll();
        failing(t, name, code, (call) => call >= at);
        try {
          assert.deepEqual(reading.values(), { jobs_total: FILES });
          assert.equal(name, 'openSync');
        } catch (error) {
          assert.match(String(error), new RegExp(code));
        }
        t.mock.restoreAll();
        assert.deepEqual(reading.values(), { jobs_total: FILES });
        assert.equal(reading.stats.skipped.other, 0);
      }
    }
  });
}
