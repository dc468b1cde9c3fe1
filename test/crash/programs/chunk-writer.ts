/**
 * Observes in a native histogram whose chunks and series come and go, in the directory of its environment. It records each
 * observation once it is done, and kills itself at the n-th occurrence of a step after the first chunk.
 */
import { openSync, writeSync } from 'node:fs';
import { Histogram } from '../../../src/index.js';
import { FileWriter } from '../../../src/metrics-file/writer.js';

const [path, step, occurrence] = process.argv.slice(2);
const observed = openSync(path, 'a');
// a new log starts at most once a second
let nowMs = 0;
performance.now = () => nowMs++;
const histogram = new Histogram({
  ...{ name: 'took_seconds', help: 'h', labelNames: ['route'], buckets: [0.01, 1, 100] },
  nativeHistogramBucketFactor: 1.1,
});
const all = histogram.labels('all');
all.observe(1.5);
writeSync(observed, 'x');
let seen = 0;
FileWriter.onStep = (reached) => {
  if (reached === step && ++seen === Number(occurrence)) process.kill(process.pid, 'SIGKILL');
};
for (let round = 1; round < 100_000; round++) {
  // two octaves are a chunk: further ones, of negative values too, are counted in coarse chunks when there are 24
  const magnitude = 4 ** ((round % 60) - 30) * 1.5;
  all.observe(round % 3 === 0 ? -magnitude : magnitude);
  writeSync(observed, 'x');
  histogram.observe({ route: `/${round}` }, magnitude);
  if (round % 10 > 0) histogram.remove(`/${round}`);
}
