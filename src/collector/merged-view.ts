/**
 * Lets registries answer with the merged view (registry/merged-view.ts): one collector for each set of registries that is
 * asked for.
 */
import { renderText } from '../exposition/render.js';
import { textDialectOf } from '../registry/content-type.js';
import { DEFAULT_REGISTRY } from '../registry/default-registry.js';
import { type MergedQuery, provideMergedView } from '../registry/merged-view.js';
import { type Aggregator, metricObject } from '../registry/metric-object.js';
import { directoryToRead } from './directory-to-read.js';
import { MultiprocessCollector } from './multiprocess-collector.js';

const collectors = new Map<string, MultiprocessCollector>();

function collectorOf({ registries }: MergedQuery): MultiprocessCollector {
  const key = JSON.stringify(registries.toSorted());
  let collector = collectors.get(key);
  if (collector === undefined) {
    collector = new MultiprocessCollector({
      registry: registries,
      selfMetrics: registries.includes(DEFAULT_REGISTRY),
    });
    collectors.set(key, collector);
  }
  return collector;
}

async function familiesOf(query: MergedQuery) {
  const families = await collectorOf(query).families();
  return query.metric === undefined ? families : families.filter(({ name }) => name === query.metric);
}

provideMergedView({
  active: () => directoryToRead() !== undefined,
  async metrics(query) {
    const dialect = textDialectOf(query.contentType);
    if (query.metric !== undefined) {
      const families = await familiesOf(query);
      return families.length === 0 ? '' : renderText(families, dialect);
    }
    const { body } = await collectorOf(query).metrics({ format: dialect.name });
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  },
  async getMetricsAsJSON(query) {
    return (await familiesOf(query)).map((family) => metricObject(family, (family.aggregator ?? 'sum') as Aggregator));
  },
});
