/** Operational notices: what an operator should see once, not at every scrape. Nothing here throws. */
import { shared } from './copies.js';

/** Keys beyond this are not remembered, and so not said: a notice per label value would be a leak and a flood. */
const MAX_KEYS = 1000;
const said = shared('warnings', () => new Set<string>());

/** Prints a warning to the console the first time that its key comes by. */
export function warnOnce(key: string, message: string): void {
  if (said.has(key) || said.size >= MAX_KEYS) return;
  said.add(key);
  console.warn(`prom-multiproc: ${message}`);
}
