/**
 * Counts in a file or in memory, moves to the directory in argv, and is killed by SIGKILL at a step of that. Each increment is
 * recorded when it is done.
 */
import fs from 'node:fs';
import { join } from 'node:path';
import { Counter } from 'prom-multiproc';
import { FileWriter } from '../../../src/metrics-file/writer.js';
import { maintainStore, prepareStore } from '../../../src/storage/process-store.js';

export type Origin = 'memory' | 'a deleted file' | 'another directory';

/** A number: that record of the new file. */
export type KillStep = 'before the file has its name' | 'before the old file is removed' | 'after the move' | number;

/** A move of them takes several turns of the event loop. */
export const SERIES = 8000;

const kill = (): void => void process.kill(process.pid, 'SIGKILL');

async function main(origin: Origin, step: KillStep, dir: string, former: string, record: string): Promise<void> {
  if (origin !== 'memory') process.env.PROMETHEUS_MULTIPROC_DIR = origin === 'another directory' ? former : dir;
  const counted = fs.openSync(record, 'a');
  const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });
  for (let kind = 0; kind < SERIES; kind++) jobs.inc({ kind });
  await prepareStore();
  if (origin === 'a deleted file') {
    for (const name of fs.readdirSync(dir)) if (name.endsWith('.prom-mp')) fs.unlinkSync(join(dir, name));
  }
  killAt(step);
  process.env.PROMETHEUS_MULTIPROC_DIR = dir;
  maintainStore();
  let isOver = false;
  const moved = prepareStore().then(() => (isOver = true));
  for (let turn = 0; !isOver; turn++) {
    // of a series that has moved, of one that has not, and of a new one
    for (const kind of [turn, SERIES - 1 - turn, `new ${turn}`]) {
      jobs.inc({ kind });
      fs.writeSync(counted, `${kind}\n`);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await moved;
  kill();
}

function killAt(step: KillStep): void {
  let records = 0;
  FileWriter.onStep = (reached) => {
    if (reached === 'record published' && ++records === step) kill();
  };
  if (step === 'before the file has its name') fs.renameSync = kill;
  if (step === 'before the old file is removed') fs.unlinkSync = kill;
}

if (require.main === module) {
  const [origin, step, ...paths] = process.argv.slice(2);
  const [dir, former, record] = paths;
  void main(origin as Origin, (Number(step) || step) as KillStep, dir, former, record);
}
