/** Counts, grows and removes, records each operation once it is done, and kills itself at the n-th occurrence of a step. */
import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FileWriter } from '../../../src/metrics-file/writer.js';
import { counter } from '../../support/declarations.js';
import { addTo, attach, createFile } from '../../support/written-file.js';

const [dir, step, occurrence] = process.argv.slice(2);
const counted = openSync(join(dir, 'counted'), 'a');
// a new log starts at most once a second
let nowMs = 0;
performance.now = () => nowMs++;
let seen = 0;
FileWriter.onStep = (reached) => {
  if (reached === step && ++seen === Number(occurrence)) process.kill(process.pid, 'SIGKILL');
};
const { store } = createFile(dir);
const jobs = store.declare(counter('jobs_total', ['kind']), ['default']);
const operations = attach(store, store.declare(counter('operations_total'), ['default']), []);
for (let kind = 0; kind < 100_000; kind++) {
  const series = attach(store, jobs, [String(kind)]);
  addTo(series, 1);
  addTo(operations, 1);
  writeSync(counted, 'x\n');
  if (kind % 10 > 0) store.detach(series);
}
