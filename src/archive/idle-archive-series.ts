/**
 * Counters, histograms and summaries with `expireAfterSeconds`: an archive keeps for each series when the last process that
 * counted in it was last alive, and a fold drops those that have been idle for longer. A series that a living process has is
 * not idle: without its archived part the merged value would fall. One that a process without the option has counted in
 * stays for good.
 */
import { decodeKey } from '../metrics-file/record.js';
import type { ArchiveFamily } from './archive-family.js';
import type { LivingFamilies } from './living-families.js';
import { endOfHour, NO_END } from './series-end.js';

/**
 * Drops the idle series of an archive.
 *
 * @param livingFamilies asked only where it matters; undefined where they cannot be told: then every series stays
 * @returns how many
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
    // a process of which a part is here may live on
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
      if (!living.hasSeries(name, labels)) return false;
      family.endedAt[row] = endOfHour(now);
      return true;
    });
  }
  return dropped;
}
