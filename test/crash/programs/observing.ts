/** Observes values of many magnitudes in native histograms, in the directory of its environment, until it is killed. */
import { Histogram } from '../../../src/index.js';

const histogram = new Histogram({
  ...{ name: 'took_seconds', help: 'h', labelNames: ['route'], buckets: [0.01, 1, 100] },
  nativeHistogramBucketFactor: 1.1,
});
let seed = process.pid;

/** Returns a whole number below a limit, from a linear congruential generator. */
function random(limit: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
}

let widest = 1;

function observe(): void {
  // new series and new chunks again and again
  widest++;
  for (let at = 0; at < 2000; at++) {
    const magnitude = 2 ** (random(Math.min(200, widest)) - 100) * (1 + random(1000) / 1000);
    histogram.observe({ route: `/${random(Math.min(50, widest))}` }, random(10) === 0 ? -magnitude : magnitude);
  }
  if (widest === 3) process.send!('observing');
  setImmediate(observe);
}

observe();
