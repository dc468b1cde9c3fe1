import { shared, THIS_COPY } from '../copies.js';
import type { MetricFamily } from '../model/metric-family.js';

interface NamedRegistry {
  localFamilies(options?: { readonly created?: boolean }): Promise<MetricFamily[]>;
}

interface Entry {
  readonly copy: symbol;
  readonly registry: WeakRef<NamedRegistry>;
}

const byName = shared('registries', () => new Map<string, Entry[]>());

/** Records a registry, so that registries of the same name in other copies of this package find it. */
export function noteRegistry(name: string, registry: NamedRegistry): void {
  const alive = (byName.get(name) ?? []).filter((entry) => entry.registry.deref() !== undefined);
  byName.set(name, [...alive, { copy: THIS_COPY, registry: new WeakRef(registry) }]);
}

/** Returns the families of registries with this name in other copies that are not among the given ones. */
export async function familiesOfOtherCopies(
  name: string,
  own: readonly MetricFamily[],
  options: { readonly created?: boolean },
): Promise<MetricFamily[]> {
  const registries = (byName.get(name) ?? [])
    .filter(({ copy }) => copy !== THIS_COPY)
    .map(({ registry }) => registry.deref())
    .filter((registry) => registry !== undefined);
  const known = new Set(own.map((family) => family.name));
  const families = await Promise.all(registries.map((registry) => registry.localFamilies(options)));
  return families.flat().filter((family) => {
    const isNew = !known.has(family.name);
    known.add(family.name);
    return isNew;
  });
}
