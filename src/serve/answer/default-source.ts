import { MultiprocessCollector } from '../../collector/multiprocess-collector.js';
import { directoryToRead } from '../../collector/directory-to-read.js';
import { negotiateFormat } from '../../exposition/negotiate.js';
import { formatOf } from '../../exposition/formats.js';
import { register } from '../../registry/default-registry.js';
import { PromMultiprocError } from '../../errors.js';
import type { StatusSource } from '../status/status-page.js';

let collector: MultiprocessCollector | undefined;

/**
 * What is served where no source is named: the merged metrics of the directory that this process would count in; in a
 * process that counts in memory, its own. All handlers share one collector, and so collections and an index.
 */
export const defaultSource: StatusSource = {
  async metrics(request) {
    if (directoryToRead() !== undefined) return shared().metrics(request);
    const { format, contentType } = negotiateFormat(request.accept);
    return { contentType, body: formatOf(format).render(await register.localFamilies()) };
  },
  async status(charts) {
    if (directoryToRead() !== undefined) return shared().status(charts);
    throw new PromMultiprocError('ERR_NO_DIRECTORY', 'this process counts in memory: there is no directory to show');
  },
};

function shared(): MultiprocessCollector {
  return (collector ??= new MultiprocessCollector());
}
