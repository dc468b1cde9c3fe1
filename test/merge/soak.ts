/**
 * The long form of parallel-reading.test.ts: `npm run soak [seconds]`, by default 60 for each of the two.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countTorn, findMisplaced } from './parallel-reading.js';

const VALUES_A_SECOND = 20_000_000;

async function beside(what: string, read: (dir: string) => Promise<object>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'prom-multiproc-soak-'));
  const writer = fork(join(__dirname, 'programs', 'storer.js'), [dir, what]);
  try {
    await once(writer, 'message');
    console.log(what, await read(dir));
  } finally {
    writer.kill('SIGKILL');
    rmSync(dir, { recursive: true });
  }
}

async function soak(seconds: number): Promise<void> {
  await beside('values', (dir) => countTorn(dir, { values: seconds * VALUES_A_SECOND, rounds: 100 }));
  await beside('churn', (dir) => findMisplaced(dir, { seconds, scrapes: 100 }));
}

void soak(Number(process.argv[2] ?? 60));
