/** Makes registries return the merged view (registry/merged-view.ts). */
import { existsSync } from 'node:fs';
import { isForkingPrimary } from '../directory/role.js';
import { eventLoopTurn } from '../time-slices.js';
import type { Selection } from '../merge/selection.js';
import { metricKey } from '../model/family-declaration.js';
import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import { textDialectOf } from '../registry/content-type.js';
import { type MergedQuery, provideMergedView } from '../registry/merged-view.js';
import { storeDirectory } from '../storage/process-store.js';
import { directoryToRead } from './directory-to-read.js';
import type { OutputSettings } from './engine.js';
import type * as collecting from './shared-collector.js';

/** One output for each requested set of registries; all share one collection and its open files. */
function settingsOf(query: MergedQuery): OutputSettings {
  return {
    selection: selectionOf(query),
    selfMetrics: 'registries' in query && query.registries.includes(DEFAULT_REGISTRY),
  };
}

function selectionOf(query: MergedQuery): Selection {
  const { withoutPrimary, chosen, withoutDefaultLabels } = query;
  const rules = { withoutPrimary, chosen, withoutDefaultLabels };
  if ('registries' in query) return { registries: query.registries.toSorted(), ...rules };
  const { id, declarations } = query.unnamed;
  const keys = declarations.map((declaration) => [declaration.name, metricKey(declaration)]);
  const unnamed = {
    id,
    isPrimary: isForkingPrimary(),
    declarations: Object.fromEntries(keys) as Record<string, string>,
  };
  return { registries: [], ...rules, unnamed };
}

/** Parts of the read arm that import each other little. */
const PARTS: readonly (() => unknown)[] = [
  () => require('../archive/archive-contents.js'),
  () => require('../archive/fold.js'),
  () => require('../exposition/text-format.js'),
  () => require('../exposition/formats.js'),
  () => require('../merge/selected-families.js'),
  () => require('./collection.js'),
  () => require('./engine.js'),
];

let isLoaded = false;

/**
 * Most processes of an application are never asked for the merged metrics: the read arm loads at the first request. In one
 * go its 150 modules held the thread for 35 ms.
 */
async function collector(): Promise<ReturnType<typeof collecting.sharedCollector>> {
  for (const load of isLoaded ? [] : PARTS) {
    load();
    await eventLoopTurn();
  }
  isLoaded = true;
  return (require('./shared-collector.js') as typeof collecting).sharedCollector();
}

/** A process whose directory cannot be made counts in memory, and shows what it counts. */
function hasDirectory(): boolean {
  const chosen = directoryToRead();
  return chosen !== undefined && (storeDirectory() !== undefined || existsSync(chosen.dir));
}

provideMergedView({
  active: hasDirectory,
  async metrics(query, contentType) {
    const { name } = textDialectOf(contentType);
    const { body, giveBack, missing } = await (await collector()).lentBody({ format: name }, settingsOf(query));
    const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
    giveBack();
    return { text, missing };
  },
  async families(query) {
    const product = { kind: 'families', settings: settingsOf(query) } as const;
    const { families, missing } = await (await collector()).collect(product);
    return { families: families.map((family) => ({ ...family, aggregator: family.aggregator ?? 'sum' })), missing };
  },
});
