/**
 * Chooses the registries that a cluster's merged output shows: the default one, or those that a worker gave to
 * `setRegistries`.
 *
 * The primary learns the choice of a worker from the worker's file: the chosen registries get one more name in it.
 */
import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import { register } from '../registry/default-registry.js';
import { mergedView } from '../registry/merged-view.js';
import type { RegistryContentType } from '../registry/content-type.js';
import { Registry } from '../registry/registry.js';

/** The additional name of chosen registries in merged output. */
const CHOSEN = 'cluster';

let chosen: readonly Registry<any>[] | undefined;

/** @throws {TypeError} prom-client's error, where a value is not a registry */
export function chooseRegistries(registries: Registry<any> | readonly Registry<any>[]): void {
  const next = Array.isArray(registries) ? (registries as readonly Registry<any>[]) : [registries as Registry<any>];
  for (const registry of next) {
    if (!(registry instanceof Registry)) throw new TypeError(`Expected Registry, got ${typeof registry}`);
  }
  for (const registry of chosen ?? []) if (!next.includes(registry)) registry.showAlsoAs(CHOSEN, false);
  for (const registry of next) registry.showAlsoAs(CHOSEN, true);
  chosen = next;
}

/**
 * Returns the exposition of the chosen registries of all processes. A process that chose none, such as a primary, shows the
 * default registry and the registries that others chose.
 */
export async function chosenMetrics(contentType: RegistryContentType, withoutPrimary: boolean): Promise<string> {
  const own = chosen ?? [register];
  const view = mergedView();
  if (view === undefined) return local(own, contentType);
  const registries = own.includes(register) ? [DEFAULT_REGISTRY, CHOSEN] : [CHOSEN];
  return (await view.metrics({ registries, withoutPrimary }, contentType)).text;
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
