/** An application with many series, which moves to another file on many turns of the event loop. */
import fs from 'node:fs';
import { Counter } from 'prom-multiproc';
import { maintainStore, prepareStore } from '../../../src/storage/process-store.js';

export type Order = 'fill' | 'move to the end' | 'fail to name the file' | 'move half, and exit';

export interface Moved {
  /** Turns of the event loop that came during the move. */
  readonly turns: number;
  /** Increments on these turns. */
  readonly counted: number;
  readonly series: number;
}

const SERIES = 20_000;
/** The directory to move to, if it is another one. */
const [to] = process.argv.slice(2);
const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });

async function obey(order: Order): Promise<Moved> {
  let [turns, counted, series] = [0, 0, SERIES];
  if (order === 'fill') {
    for (let kind = 0; kind < SERIES; kind++) jobs.inc({ kind });
    return { turns, counted, series };
  }
  if (to !== '') process.env.PROMETHEUS_MULTIPROC_DIR = to;
  if (order === 'fail to name the file') {
    const { renameSync } = fs;
    fs.renameSync = () => {
      throw Object.assign(new Error('EIO: i/o error, rename'), { code: 'EIO' });
    };
    maintainStore();
    fs.renameSync = renameSync;
    return { turns, counted, series };
  }
  maintainStore();
  if (order === 'move half, and exit') process.exit();
  let isOver = false;
  const moved = prepareStore().then(() => (isOver = true));
  while (!isOver) {
    // of a series at the beginning, one at the end, and a new one
    jobs.inc({ kind: turns });
    jobs.inc({ kind: SERIES - 1 - turns });
    jobs.inc({ kind: `new ${turns}` });
    counted += 2;
    series++;
    turns++;
    await new Promise((turn) => setImmediate(turn));
  }
  await moved;
  return { turns, counted, series };
}

process.on('message', (order: Order) => {
  void obey(order).then((moved) => process.send?.(moved));
});
process.on('disconnect', () => process.exit());
