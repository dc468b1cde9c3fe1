/** The task of a TaskThread in its test. */
let tasksDone = 0;

export default function task(what: 'count' | 'throw' | 'exit'): number {
  if (what === 'throw') throw new RangeError('a task that throws');
  if (what === 'exit') process.exit(3);
  return ++tasksDone;
}
