/** How long one operation takes, and the label values that the benchmarks of single operations use. */
import { readFileSync } from 'node:fs';
import { median } from './report.js';

/** Does `count` operations. */
export type Work = (count: number) => void;

export const ROUNDS = 9;
/** In CPU time, which the kernel counts in ticks of up to 4 ms. */
const ROUND_MS = 100;

export const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
/** Route templates of an API of medium size: 16 templates with 14 to 47 characters. */
export const ROUTES = ['customers', 'orders', 'invoices', 'products'].flatMap((name) =>
  ['', '/:id', '/:id/history', '/:id/attachments/:attachmentId'].map((rest) => `/api/v1/${name}${rest}`),
);
export const CODES = ['200', '404', '500'];

/** ns per operation in this process: the median of its rounds, after warming up. */
export function nanosecondsOf(work: Work): number {
  let count = 1000;
  const elapsedMs = (): number => {
    const start = cpuMs();
    work(count);
    return cpuMs() - start;
  };
  for (let ms = elapsedMs(); ms < ROUND_MS; ms = elapsedMs()) count *= 2;
  for (let round = 0; round < 3; round++) work(count);
  return median(Array.from({ length: ROUNDS }, () => (elapsedMs() * 1e6) / count));
}

/**
 * The CPU time of this thread. Linux counts that of the main thread in ticks of 1 to 4 ms. A wall clock would include other
 * programs, on a machine with two cores.
 */
function cpuMs(): number {
  if (process.platform !== 'linux') return performance.now();
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ', 1)[0]) / 1e6;
}
