/** Warnings that an operator should see once, and not at every scrape. Nothing here throws. */
import { shared } from './copies.js';

/** Warnings with further keys are not logged: one per label value would leak memory and flood the log. */
const MAX_KEYS = 1000;
const warned = shared('warnings', () => new Set<string>());

/** Prints a warning to the console, only the first time for its key. */
export function warnOnce(key: string, message: string): void {
  if (warned.has(key) || warned.size >= MAX_KEYS) return;
  warned.add(key);
  console.warn(`prom-multiproc: ${message}`);
}
