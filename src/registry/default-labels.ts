import type { Labels, MetricFamily } from '../model/metric-family.js';
import { isLabelName } from '../model/naming.js';

/**
 * A copy of the labels that a user gave; undefined where there are none.
 *
 * @throws {Error} where a name is none: readers refuse a file with such a label, and scrapers an exposition
 */
export function checkedDefaultLabels(labels: object): Labels | undefined {
  const pairs = Object.entries(labels).map(([name, value]): [string, string] => [name, `${value}`]);
  if (!pairs.every(([name]) => isLabelName(name))) throw new Error('Invalid label name');
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}

/**
 * A family with a registry's default labels added where a sample does not have them itself. The order is prom-client's:
 * `le` first, then the defaults, then the metric's own labels for histograms; own labels, then the defaults for the rest.
 */
export function withDefaultLabels(family: MetricFamily, defaults: Labels | undefined): MetricFamily {
  if (defaults === undefined) return family;
  const samples = family.samples.map((sample) => {
    const { labels } = sample;
    if (family.type !== 'histogram') return { ...sample, labels: { ...labels, ...defaults, ...labels } };
    const { le, ...own } = labels;
    const added = Object.fromEntries(Object.entries(defaults).filter(([name]) => !Object.hasOwn(own, name)));
    return { ...sample, labels: { ...(le === undefined ? {} : { le }), ...added, ...own } };
  });
  return { ...family, samples };
}

/**
 * A family without the default labels that were added to it; as it is where they tell its series apart, which the registries
 * of other processes may have with other values.
 *
 * @param labelNames the metric's own
 */
export function withoutDefaultLabels(
  family: MetricFamily,
  defaults: Labels = {},
  labelNames: readonly string[] = Object.keys(defaults),
): MetricFamily {
  const added = Object.keys(defaults).filter((name) => !labelNames.includes(name));
  if (added.length === 0) return family;
  const samples = family.samples.map((sample) => {
    const labels = { ...sample.labels };
    for (const name of added) delete labels[name];
    return { ...sample, labels };
  });
  const lines = new Set(samples.map(({ name, labels }) => JSON.stringify([name, Object.entries(labels)])));
  return lines.size === samples.length ? { ...family, samples } : family;
}
