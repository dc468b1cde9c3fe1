import type { BodyRequest, OutputSettings } from '../../collector/engine.js';
import { sharedCollector } from '../../collector/shared-collector.js';
import { directoryToRead } from '../../collector/directory-to-read.js';
import { namedFamilies } from '../../exposition/name-filter.js';
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
    const { contentType, ...wanted } = negotiateFormat(request.accept);
    const { names } = request;
    const body =
      directoryToRead() === undefined
        ? await ownBody(wanted, names)
        : await sharedCollector().body(names === undefined ? wanted : { ...wanted, names }, SETTINGS);
    return { contentType, body };
  },
  async status(charts, { search, isBackground } = {}) {
    if (directoryToRead() !== undefined) return sharedCollector().status(SETTINGS, { charts, search }, isBackground);
    throw new PromMultiprocError('ERR_NO_DIRECTORY', 'this process counts in memory: there is no directory to show');
  },
};

async function ownBody({ format, escaping }: BodyRequest, names: readonly string[] | undefined): Promise<Uint8Array> {
  const row = formatOf(format);
  const families = await register.processFamilies({ created: row.showsCreated });
  return row.render(names === undefined ? families : namedFamilies(families, names), { escaping });
}
