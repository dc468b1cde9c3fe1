import { join } from 'node:path';
import { warnOnce } from '../warn-once.js';
import type { Source } from './source.js';

/** Logs which families have series that the last merge left out of a file, and returns how many such series there are. */
export function warnOfUnusableSeries(dir: string, sources: Iterable<Source>): number {
  let count = 0;
  for (const { view, name } of sources) {
    for (const family of view.unusableFamilies()) {
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
