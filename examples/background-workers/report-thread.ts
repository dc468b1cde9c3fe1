/** What a thread of the pool runs: it counts into a file of its own, in the same directory. */
import { counted } from './tasks.js';

function report({ rows }: { rows: number }): Promise<number> {
  return counted('report', async () => {
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += Math.sqrt(row);
    return sum;
  });
}

export = report;
