import type { IncomingMessage, ServerResponse } from 'node:http';
import { onlyReads, sendText } from '../answer/plain-text.js';
import type { Route } from './route.js';

/** Paths for the probes of Kubernetes and of load balancers, with the names of Prometheus' own. */
const PROBES: Readonly<Record<string, string>> = {
  '/-/healthy': 'prom-multiproc is healthy.',
  '/-/ready': 'prom-multiproc is ready.',
};

/**
 * The probe that a path names. Probes need no password, since kubelets have none, and they give away nothing: no metric is read.
 * A server that is closing is not ready.
 */
export function probeOf(path: string | undefined, isClosing: boolean): Route['handler'] | undefined {
  const text = path === undefined ? undefined : PROBES[path];
  if (text === undefined) return undefined;
  return (req: IncomingMessage, res: ServerResponse) => {
    if (!onlyReads(req, res)) return;
    if (isClosing && path === '/-/ready') sendText(res, 503, 'prom-multiproc is ending.');
    else sendText(res, 200, text);
  };
}
