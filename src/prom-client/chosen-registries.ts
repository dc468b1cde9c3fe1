/**
 * Which registries a cluster's merged output shows: the default one, or those that a worker named with `setRegistries`.
 *
 * A worker's choice reaches the primary with its metrics: those registries are shown under one more name.
 */
import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import { register } from '../registry/default-registry.js';
import { mergedView } from '../registry/merged-view.js';
import type { RegistryContentType } from '../registry/content-type.js';
import { Registry } from '../registry/registry.js';

/** The name of chosen registries in merged output. */
const CHOSEN = 'cluster';

let chosen: readonly Registry<any>[] | undefined;

/** @throws {TypeError} prom-client's, for what is no registry */
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
 * The exposition of the chosen registries of all processes. A process that chose nothing, as primaries do, shows the
 * default registry and what the others chose.
 */
export async function chosenMetrics(contentType: RegistryContentType, withoutPrimary: boolean): Promise<string> {
  const own = chosen ?? [register];
  const view = mergedView();
  if (view === undefined) return local(own, contentType);
  const registries = own.includes(register) ? [DEFAULT_REGISTRY, CHOSEN] : [CHOSEN];
  return (await view.metrics({ registries, withoutPrimary }, contentType)).text;
}

/** No other process has anything to add. */
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
