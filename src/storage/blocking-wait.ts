/**
 * A thread that waits in `Atomics.wait` runs no timer, and it need not run one between two such waits: a piscina worker
 * with its default settings goes from a task's last microtask into the wait for the next task, and if it is terminated
 * there no exit hook runs. A flush on a timer would never run, and on a platform without mmap the last task of every pool
 * would be missing from the output, and lost when the pool shrinks. No event comes between the task and the wait, and to
 * check the clock at every write of a metric would slow the application down. So the wait itself checks the clock.
 * `Atomics.wait` is replaced only in threads whose file is written and not mapped. Code that has stored the original
 * function before the thread's first metric is not affected.
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
 * Makes the waits of this thread flush, as soon as flushing leaves the application its share of the thread: before the
 * wait, or during it. A flush does not wait until it is due, because a pool that shrinks terminates a thread a moment after
 * its last task.
 */
export function flushDuringWaits(flushes: FlushSchedule): void {
  const wait = Atomics.wait as Wait;
  const waitFlushing: Wait = (array, index, value, timeoutMs = Infinity) => {
    const untilFlush = Math.max(0, flushes.affordableInMs);
    if (timeoutMs <= untilFlush) return wait(array, index, value, timeoutMs);
    const result = untilFlush === 0 ? 'timed-out' : wait(array, index, value, untilFlush);
    if (result !== 'timed-out') return result;
    flushes.flush();
    // the thread counts nothing while it waits, so one flush is enough
    return wait(array, index, value, timeoutMs - untilFlush);
  };
  Atomics.wait = waitFlushing;
}
