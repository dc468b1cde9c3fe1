import type { BodyRequest, OutputSettings } from '../../collector/engine.js';
import type { LentAnswer, MetricsRequest } from '../../collector/multiprocess-collector.js';
import { sharedCollector } from '../../collector/shared-collector.js';
import { directoryToRead } from '../../collector/directory-to-read.js';
import { nameFilter } from '../../exposition/name-filter.js';
import { negotiateFormat } from '../../exposition/negotiate.js';
import { formatOf } from '../../exposition/formats.js';
import { register } from '../../registry/default-registry.js';
import { PromMultiprocError } from '../../errors.js';
import type { StatusSource } from '../status/status-page.js';

const SETTINGS: OutputSettings = { selection: { registries: 'all' }, selfMetrics: true };

/**
 * The source where none is given: the merged metrics of the directory that this process uses, or would use. In a process that
 * counts in memory it serves the metrics of this process. All handlers share collections with each other and with the registries.
 */
export const defaultSource: StatusSource = {
  async metrics(request) {
    const { contentType, wanted } = wantedBy(request);
    const body =
      directoryToRead() === undefined ? await ownBody(wanted) : await sharedCollector().body(wanted, SETTINGS);
    return { contentType, body };
  },
  async status(charts, { search, isBackground } = {}) {
    if (directoryToRead() !== undefined) return sharedCollector().status(SETTINGS, { charts, search }, isBackground);
    throw new PromMultiprocError('ERR_NO_DIRECTORY', 'this process counts in memory: there is no directory to show');
  },
};

/** The same as its `metrics()`, for a caller that gives the body back. */
export async function lentDefault(request: MetricsRequest): Promise<LentAnswer> {
  const { contentType, wanted } = wantedBy(request);
  if (directoryToRead() === undefined) return { contentType, body: await ownBody(wanted), giveBack: () => {} };
  return { contentType, ...(await sharedCollector().lentBody(wanted, SETTINGS)) };
}

function wantedBy({ accept, names }: MetricsRequest): { contentType: string; wanted: BodyRequest } {
  const { contentType, ...wanted } = negotiateFormat(accept);
  return { contentType, wanted: names === undefined ? wanted : { ...wanted, names } };
}

async function ownBody({ format, escaping, names }: BodyRequest): Promise<Uint8Array> {
  const row = formatOf(format);
  const families = await register.processFamilies({ created: row.showsCreated });
  return row.render(names === undefined ? families : families.filter(nameFilter(names)), { escaping });
}
