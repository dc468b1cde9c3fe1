import { debuglog } from 'node:util';

/** Logs with NODE_DEBUG=prom-multiproc, and does nothing without. */
export const debug = debuglog('prom-multiproc');
