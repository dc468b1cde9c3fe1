import { invalidArgument } from '../errors.js';
import { differenceBetween } from '../registry/already-registered.js';
import { register } from '../registry/default-registry.js';
import { MEMBER, type RegisteredMetric } from '../registry/member.js';
import type { MetricConfiguration } from './configuration.js';

/** Does what the static methods of this name promise. */
export function getOrCreate<M extends object, C extends MetricConfiguration<any>>(
  Metric: new (config: C) => M,
  config: C,
): M {
  const registries = config?.registers ?? [register];
  const known = registries
    .map((registry) => registry.getSingleMetric(config?.name) as RegisteredMetric | undefined)
    .find((metric) => metric !== undefined);
  if (known === undefined) return new Metric(config);
  const wanted = new Metric({ ...config, registers: [] }) as M & RegisteredMetric;
  const isOurs = known[MEMBER] !== undefined;
  const difference = isOurs ? differenceBetween(known, wanted) : 'It is not a metric of this package.';
  if (difference !== undefined) {
    throw invalidArgument(`another metric with the name ${known.name} has already been registered. ${difference}`);
  }
  for (const registry of registries) registry.registerMetric(known);
  return known as unknown as M;
}
