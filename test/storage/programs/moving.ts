/** An application with many series, whose file is made again on many turns of the event loop. */
import { Counter } from 'prom-multiproc';
import { maintainStore, prepareStore } from '../../../src/storage/process-store.js';

export type Order = 'fill' | 'move to the end' | 'move half, and be killed' | 'move half, and exit';

export interface Moved {
  /** Turns of the event loop that came during the move. */
  readonly turns: number;
  /** Increments on these turns. */
  readonly counted: number;
  readonly series: number;
}

const SERIES = 40_000;
const jobs = new Counter({ name: 'jobs_total', help: 'Jobs', labelNames: ['kind'] });

async function obey(order: Order): Promise<Moved> {
  let [turns, counted, series] = [0, 0, SERIES];
  if (order === 'fill') {
    for (let kind = 0; kind < SERIES; kind++) jobs.inc({ kind });
    return { turns, counted, series };
  }
  maintainStore();
  if (order === 'move half, and be killed') process.kill(process.pid, 'SIGKILL');
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
