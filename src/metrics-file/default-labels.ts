/**
 * The default labels that readers add to the series of a family, and that an archive stores with them.
 *
 * If the registries that show a family have different default labels, an output has to show those of its registries only.
 * The names of such labels are stored with the number of their registry, `__0__service`, until an output selects them.
 * Prometheus reserves names with two underscores, so that no label of an application has such a name.
 */
import type { Labels } from '../model/metric-family.js';
import { metricKind } from '../model/metric-kind.js';
import { archivedRegistryId } from '../model/registry-id.js';
import { registriesOf } from './family-scope.js';
import type { FamilyRecord } from './record.js';

/** @param labelsOf returns the default labels of a registry */
export function addedDefaultLabels(
  record: FamilyRecord,
  labelsOf: (registry: string) => Readonly<Labels>,
): Map<string, string> {
  const { lineLabel } = metricKind(record.type);
  const byRegistry = record.registries.map((registry) => {
    // an empty value is no label, and the type's own label belongs to the lines
    const shown = Object.entries(labelsOf(registry)).filter(([name, value]) => value !== '' && name !== lineLabel);
    return { registry, labels: shown.toSorted(([a], [b]) => (a < b ? -1 : 1)) };
  });
  const isShared = new Set(byRegistry.map(({ labels }) => JSON.stringify(labels))).size <= 1;
  if (isShared) return new Map(byRegistry[0]?.labels);
  const numbers = registriesOf(record);
  return new Map(
    byRegistry.flatMap(({ registry, labels }) => {
      const number = numbers.indexOf(archivedRegistryId(registry));
      return labels.map(([name, value]) => [`__${number}__${name}`, value] as const);
    }),
  );
}

/** Returns the label and the registry of a name with a number; undefined for other names. */
export function numberedLabel(
  name: string,
  registries: readonly string[],
): { readonly label: string; readonly registry: string } | undefined {
  const parts = /^__(\d+)__(.+)$/.exec(name);
  const registry = parts === null ? undefined : registries[Number(parts[1])];
  return registry === undefined ? undefined : { label: parts![2], registry };
}
