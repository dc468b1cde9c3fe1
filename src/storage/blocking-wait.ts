/**
 * A thread that waits in `Atomics.wait` runs no timer, and between two such waits none either: a piscina worker with its
 * default settings goes from a task's last microtask into the wait for the next task, and terminating it there runs no exit
 * hook. What is written on a timer would never be written, and on a platform without mmap the last task of every pool would
 * be missing from the output, and lost when the pool shrinks. No event comes between the task and the wait, and a look at
 * the clock at every write of a metric is what the application would pay; so the wait itself looks at the clock.
 *
 * Only threads whose file is written and not mapped have their `Atomics.wait` replaced. Code that has kept the original function
 * from before the thread's first metric waits as ever.
 */
import type { FlushSchedule } from './flush-schedule.js';

type WaitResult = 'ok' | 'not-equal' | 'timed-out';
type Wait = (
  array: Int32Array | BigInt64Array,
  index: number,
  value: number | bigint,
  timeoutMs?: number,
) => WaitResult;

/**
 * Has this thread's waits flush, as soon as flushing leaves the application its share of the thread: before the wait, or else
 * in it. Not only when a flush is due, for a pool that shrinks terminates a thread a moment after its last task.
 */
export function flushDuringWaits(flushes: FlushSchedule): void {
  const wait = Atomics.wait as Wait;
  const waitFlushing: Wait = (array, index, value, timeoutMs = Infinity) => {
    const untilFlush = Math.max(0, flushes.affordableInMs);
    if (timeoutMs <= untilFlush) return wait(array, index, value, timeoutMs);
    const result = untilFlush === 0 ? 'timed-out' : wait(array, index, value, untilFlush);
    if (result !== 'timed-out') return result;
    flushes.flush();
    // the thread counts nothing while it waits, so that there is no third part
    return wait(array, index, value, timeoutMs - untilFlush);
  };
  Atomics.wait = waitFlushing;
}
