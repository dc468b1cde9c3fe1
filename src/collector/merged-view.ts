/** Lets registries return the merged view (registry/merged-view.ts). */
import { renderText } from '../exposition/render.js';
import { textDialectOf } from '../registry/content-type.js';
import { DEFAULT_REGISTRY } from '../registry/default-registry.js';
import { type MergedQuery, provideMergedView } from '../registry/merged-view.js';
import { type Aggregator, metricObject } from '../registry/metric-object.js';
import { directoryToRead } from './directory-to-read.js';
import type { OutputSettings } from './engine.js';
import { sharedCollector } from './shared-collector.js';

/** One output for each set of registries that is asked for, of one collection and its one set of open files. */
function settingsOf({ registries }: MergedQuery): OutputSettings {
  return {
    selection: { registries: registries.toSorted() },
    selfMetrics: registries.includes(DEFAULT_REGISTRY),
  };
}

async function familiesOf(query: MergedQuery) {
  const families = await sharedCollector().families(settingsOf(query));
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
    const body = await sharedCollector().body(dialect.name, settingsOf(query));
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
  },
  async getMetricsAsJSON(query) {
    return (await familiesOf(query)).map((family) => metricObject(family, (family.aggregator ?? 'sum') as Aggregator));
  },
});
