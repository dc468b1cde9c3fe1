import type { MetricFamily } from '../model/metric-family.js';
import { describeClash, nameClashes } from '../model/name-clash.js';
import { warnOnce } from '../warn-once.js';

/**
 * If lines of several families have the same name, keeps only the family that was registered last: a scraper would refuse
 * the whole exposition.
 */
export function shownFamilies(families: readonly MetricFamily[]): readonly MetricFamily[] {
  const clashes = nameClashes(families.toReversed());
  if (clashes.length === 0) return families;
  for (const clash of clashes) warnOnce(`conflict ${clash.hidden} name`, describeClash(clash));
  const hidden = new Set(clashes.map((clash) => clash.hidden));
  return families.filter(({ name }) => !hidden.has(name));
}
