import type { MetricFamily } from '../model/metric-family.js';
import { describeClash, nameClashes } from '../model/name-clash.js';
import { warnOnce } from '../warn-once.js';
import { DEFAULT_ESCAPING, escapeFamilies, type Escaping } from './name-escaping.js';

/**
 * Returns the families with escaped names. If lines of several families have the same name, it keeps only the family that was
 * registered last: a scraper would refuse the whole exposition.
 */
export function shownFamilies(
  families: readonly MetricFamily[],
  escaping: Escaping = DEFAULT_ESCAPING,
): readonly MetricFamily[] {
  return escapeFamilies(withoutClashes(families), escaping);
}

function withoutClashes(families: readonly MetricFamily[]): readonly MetricFamily[] {
  const clashes = nameClashes(families.toReversed());
  if (clashes.length === 0) return families;
  for (const clash of clashes) warnOnce(`conflict ${clash.hidden} name`, describeClash(clash));
  const last = new Map(families.map((family) => [family.name, family]));
  // of two families with the same name the last one stays, unless a third one hides it
  for (const { hidden, shown } of clashes) if (hidden !== shown) last.delete(hidden);
  return families.filter((family) => last.get(family.name) === family);
}
