import { setTimeout as delay } from 'node:timers/promises';

/** Whether an event comes before the deadline. */
export async function within(ms: number, event: Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const tooLate = delay(ms, false, { signal: waiting.signal }).catch(() => false);
  const came = await Promise.race([event.then(() => true), tooLate]);
  waiting.abort();
  return came;
}
