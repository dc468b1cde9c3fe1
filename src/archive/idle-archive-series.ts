/**
 * Counters, histograms and summaries with `expireAfterSeconds`. An archive records for each series the time when the last
 * process that counted in it was last alive. A fold drops the series that have been idle for longer. A series that a living
 * process has is not idle: without its archived part the merged value would fall. A series that a process without the option
 * has counted in stays for good.
 */
import { decodeKey } from '../metrics-file/record.js';
import type { ArchiveFamily } from './archive-family.js';
import type { LivingFamilies } from './living-families.js';
import { endOfHour, NO_END } from './series-end.js';

/**
 * Returns the number of series that were dropped.
 *
 * @param livingFamilies called only where a series has been idle for long enough; undefined: every series stays
 */
export function dropIdleSeries(
  families: readonly ArchiveFamily[],
  now: number,
  livingFamilies: () => LivingFamilies | undefined,
): number {
  const longest = new Map<string, number>();
  for (const { declaration } of families) {
    const { name, expireAfterSeconds = 0 } = declaration;
    longest.set(name, Math.max(longest.get(name) ?? 0, expireAfterSeconds));
  }
  let dropped = 0;
  for (const family of families) {
    const { name, expireAfterSeconds, ofProcess, labelNames } = family.declaration;
    // another thread of the process may still be alive
    if (family.isGauge || expireAfterSeconds === undefined || ofProcess !== undefined) continue;
    const isIdle = (endedAt: number, expiry: number): boolean => endedAt !== NO_END && now - endedAt > expiry;
    if (!family.endedAt.some((endedAt) => isIdle(endedAt, longest.get(name)!))) continue;
    const living = livingFamilies();
    if (living === undefined) return dropped;
    const expiry = Math.max(longest.get(name)!, living.expiryOf(name));
    dropped += family.keep((row) => {
      if (!isIdle(family.endedAt[row], expiry)) return true;
      const values = decodeKey(Buffer.from(family.keys[row], 'latin1'));
      const labels = labelNames.map((label, at) => [label, values[at]] as const);
      const isUsed = living.isUsed(name, labels);
      if (isUsed === true) family.endedAt[row] = endOfHour(now);
      return isUsed !== undefined;
    });
  }
  return dropped;
}
