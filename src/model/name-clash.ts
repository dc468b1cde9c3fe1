/**
 * Finds metrics with different names that cannot be in the same exposition because lines or headings of both have the same
 * name: a gauge `a_count` beside a histogram `a`, an Info `x` beside a gauge `x_info`.
 */
import { createdName, metricKind } from './metric-kind.js';

export interface Named {
  readonly name: string;
  readonly type: string;
}

export interface Clash {
  readonly hidden: string;
  readonly shown: string;
}

/** Returns the names of a family's lines, and the name of the family. */
export function occupiedNames({ name, type }: Named): Set<string> {
  const kind = metricKind(type);
  return new Set([kind.ownName(name), ...kind.lines({ name }).map((line) => line.name)]);
}

/** Returns the families that an exposition must leave out: of two that clash, the one later in the list. */
export function nameClashes(families: Iterable<Named>, shownName = (name: string): string => name): Clash[] {
  const owners = new Map<string, string>();
  const clashes: Clash[] = [];
  for (const family of families) {
    const names = [...occupiedNames({ name: shownName(family.name), type: family.type })];
    const shown = names.map((name) => owners.get(name)).find((owner) => owner !== undefined);
    if (shown !== undefined) clashes.push({ hidden: family.name, shown });
    else for (const name of names) owners.set(name, family.name);
  }
  return clashes;
}

/** Returns the name that OpenMetrics reserves for the creation times of a histogram or a summary. */
export function keptNames({ name, type }: Named): string[] {
  const { hasCreated, openMetrics } = metricKind(type);
  return hasCreated && openMetrics === undefined ? [createdName(name, type)] : [];
}

/**
 * Returns the families that must also be left out of an OpenMetrics exposition: it reserves the name `a_created` for every
 * histogram and summary `a`, even if that line is not shown (OpenMetrics 1.0, 4.4). A conflicting counter only changes its
 * heading.
 */
export function createdClashes(families: readonly Named[]): Clash[] {
  const owners = new Map<string, string>();
  for (const family of families) for (const name of keptNames(family)) owners.set(name, family.name);
  if (owners.size === 0) return [];
  return families.flatMap((family) => {
    const name = [...occupiedNames(family)].find((occupied) => owners.has(occupied));
    return name === undefined ? [] : [{ hidden: family.name, shown: owners.get(name)! }];
  });
}

export function describeClash({ hidden, shown }: Clash): string {
  return `the metric ${hidden} is not shown: the metric ${shown}, which was declared later, has a line of the same name; rename one`;
}

/** @param clash with a metric that the collector adds to the output */
export function describeReservedClash({ hidden, shown }: Clash): string {
  return `the metric ${hidden} is not shown: the collector's own metric ${shown} has a line of the same name; rename yours`;
}

export function describeCreatedClash({ hidden, shown }: Clash): string {
  return `the metric ${hidden} is not shown in OpenMetrics, which reserves that name for the metric ${shown}; rename one`;
}
