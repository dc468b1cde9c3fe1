import type { Labels, MetricFamily } from '../model/metric-family.js';
import { isLabelName } from '../model/naming.js';

/** Copies a user's labels; undefined for none. @throws {Error} for an illegal name: readers and scrapers would refuse it */
export function checkedDefaultLabels(labels: object): Labels | undefined {
  const pairs = Object.entries(labels).map(([name, value]): [string, string] => [name, `${value}`]);
  if (!pairs.every(([name]) => isLabelName(name))) throw new Error('Invalid label name');
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}

/**
 * Adds a registry's default labels to the samples of a family that do not have them. The order is that of prom-client: for
 * histograms `le`, then the defaults, then the labels of the metric; for other types the labels of the metric, then the
 * defaults.
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
