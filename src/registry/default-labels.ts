import type { Labels, MetricFamily } from '../model/metric-family.js';

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
