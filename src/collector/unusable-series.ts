import { join } from 'node:path';
import { warnOnce } from '../warn-once.js';
import type { MetricsFile } from './metrics-file.js';

/** Logs the families with series of a file that the last merge left out, and returns the number of such series. */
export function warnOfUnusableSeries(dir: string, files: Iterable<MetricsFile>): number {
  let count = 0;
  for (const { part, name } of files) {
    for (const family of part.unusableFamilies()) {
      count++;
      const file = JSON.stringify(join(dir, name));
      warnOnce(
        `unusable ${family} ${name}`,
        `a series of ${family} in ${file} is left out: one of its values is not a finite number`,
      );
    }
  }
  return count;
}

/** Logs the metrics with sums over the processes that are too large for a number, and returns the number of such series. */
export function warnOfOverflow(seriesOf: ReadonlyMap<string, number>): number {
  let count = 0;
  for (const [name, series] of seriesOf) {
    count += series;
    const text = `a sum of ${name} over the processes is too large: the largest possible number is shown`;
    warnOnce(`overflow ${name}`, text);
  }
  return count;
}
