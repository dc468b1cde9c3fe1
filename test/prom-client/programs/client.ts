/** The client that a twin program counts with: prom-client, which the preload hook may stand in for, or this package. */
import type * as PromClient from 'prom-client';

export const client = require(process.env.CLIENT ?? 'prom-client') as typeof PromClient;

/** The samples of an exposition whose names match, a line each. */
export function samplesOf(text: string, names: RegExp): string[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#') && names.test(line))
    .toSorted();
}
