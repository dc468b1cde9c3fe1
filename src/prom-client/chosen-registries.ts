/**
 * Chooses the registries that a cluster's merged output shows: the default one, or those that a worker gave to
 * `setRegistries`.
 *
 * The primary learns the choice of a worker from the worker's file: the chosen registries get one more name in it, and so
 * does the default registry if it is not one of them.
 */
import { chosenRegistryId, DEFAULT_REGISTRY, NOT_CHOSEN } from '../model/registry-id.js';
import { register } from '../registry/default-registry.js';
import { mergedView } from '../registry/merged-view.js';
import type { RegistryContentType } from '../registry/content-type.js';
import { Registry } from '../registry/registry.js';

let chosen: readonly Registry<any>[] | undefined;

/** @throws {TypeError} prom-client's error, where a value is not a registry */
export function chooseRegistries(registries: Registry<any> | readonly Registry<any>[]): void {
  const next = [...new Set([registries].flat() as readonly Registry<any>[])];
  for (const registry of next) {
    if (!(registry instanceof Registry)) throw new TypeError(`Expected Registry, got ${typeof registry}`);
  }
  const before = chosen ?? [];
  before.forEach((registry, at) => registry !== next[at] && registry.showAlsoAs(chosenRegistryId(at), false));
  next.forEach((registry, at) => registry !== before[at] && registry.showAlsoAs(chosenRegistryId(at), true));
  register.showAlsoAs(NOT_CHOSEN, !next.includes(register));
  chosen = next;
}

/**
 * Returns the exposition of the registries that each process chose: the default one of a process that chose none.
 */
export async function chosenMetrics(contentType: RegistryContentType, withoutPrimary: boolean): Promise<string> {
  const own = chosen ?? [register];
  const view = mergedView();
  if (view === undefined) return local(own, contentType);
  const query = { registries: [DEFAULT_REGISTRY], chosen: true, withoutPrimary };
  return (await view.metrics(query, contentType)).text;
}

/** Returns the exposition of this process, for use without a directory. */
async function local(registries: readonly Registry<any>[], contentType: RegistryContentType): Promise<string> {
  const objects = await Promise.all(registries.map((registry) => registry.getMetricsAsJSON({ scope: 'process' })));
  const shown = new Registry<any>(contentType, { multiprocess: false });
  const seen = new Set<string>();
  for (const metric of objects.flat()) {
    if (seen.has(metric.name)) continue;
    seen.add(metric.name);
    shown.registerMetric({ ...metric, collect: undefined, get: () => metric });
  }
  return shown.metrics();
}
