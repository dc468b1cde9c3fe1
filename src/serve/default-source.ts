import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { whichDirectory } from '../collector/which-directory.js';
import { negotiateFormat } from '../exposition/negotiate.js';
import { renderFamilies } from '../exposition/render.js';
import { register } from '../registry/default-registry.js';
import type { MetricsSource } from './metrics-source.js';

let collector: MultiprocessCollector | undefined;

/**
 * What is served where no source is named: the merged metrics of the directory that this process would count in; in a
 * process that counts in memory, its own. All handlers share one collector, and so collections and an index.
 */
export const defaultSource: MetricsSource = {
  async metrics(request) {
    if (whichDirectory() !== undefined) return (collector ??= new MultiprocessCollector()).metrics(request);
    const { format, contentType } = negotiateFormat(request.accept);
    return { contentType, body: Buffer.from(renderFamilies(await register.localFamilies(), format)) };
  },
};
