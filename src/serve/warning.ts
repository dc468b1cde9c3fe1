import { describeError } from '../errors.js';

/** Receives the warnings of the metrics server for the operator. They hold no secrets and no stack traces. */
export type OnWarning = (message: string) => void;

/** The default: a Node process warning, which an application can silence, redirect or log by Node's own means. */
export function emitWarning(message: string): void {
  process.emitWarning(message, 'PromMultiprocWarning');
}

/**
 * Warns once for each different reason of a failure: a hundred scrapes that fail for the same reason are one line in the log.
 * It remembers a hundred reasons; after those it does not warn any more.
 */
export function warnOnce(what: string, onWarning: OnWarning): (error: unknown) => void {
  const warned = new Set<string>();
  return (error) => {
    const reason = describeError(error);
    if (warned.has(reason) || warned.size >= 100) return;
    warned.add(reason);
    onWarning(`${what}: ${reason}`);
  };
}
