import { join } from 'node:path';
import { warnOnce } from '../warn-once.js';
import type { MetricsFile } from './metrics-file.js';

/** Logs which families have series that the last merge left out of a file, and returns how many such series there are. */
export function warnOfUnusableSeries(dir: string, files: Iterable<MetricsFile>): number {
  let count = 0;
  for (const { part, name } of files) {
    for (const family of part.unusableFamilies()) {
      count++;
      const file = JSON.stringify(join(dir, name));
      warnOnce(
        `unusable ${family} ${name}`,
        `what ${file} counts in a series of ${family} is left out: a value of it is not a finite number`,
      );
    }
  }
  return count;
}
