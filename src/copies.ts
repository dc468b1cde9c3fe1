/**
 * Copies of this package in one process: bundlers and frameworks load it once per module graph, and several packages may
 * each have it installed. Copies of the same version share the parts that belong to the process, by a symbol on
 * `globalThis`: the store with its file and its timer. They do not share the classes and registries of the API, since
 * programs reload the client to get new ones. Copies of different versions do not know of each other; a directory merges
 * them like processes.
 *
 * Under a test runner copies share nothing, since the runner loads the package again in order to start from nothing.
 */
import { isUnderTestRunner } from './test-runner.js';

const { version } = require('../../package.json') as { version: string };

const KEY = Symbol.for(`prom-multiproc ${version}`);
type Parts = Record<string, unknown>;

const parts: Parts = isUnderTestRunner() ? {} : ((globalThis as { [KEY]?: Parts })[KEY] ??= {});

/** Identifies this copy of the package. */
export const THIS_COPY = Symbol('copy');

/** Returns an object that all copies share. The first copy that asks for it makes it. */
export function shared<T>(name: string, make: () => T): T {
  return (parts[name] ??= make()) as T;
}

/** Returns a symbol that is the same in all copies of this version. */
export function symbolOfCopies(name: string): symbol {
  return Symbol.for(`prom-multiproc ${version} ${name}`);
}

/**
 * Makes `instanceof` true for instances that another copy made. Subclasses in programs are not affected.
 */
export function brand(constructor: Function, name: string): void {
  const symbol = symbolOfCopies(name);
  Object.defineProperty(constructor.prototype, symbol, { value: true });
  Object.defineProperty(constructor, Symbol.hasInstance, {
    value(this: Function, value: unknown): boolean {
      if (this !== constructor) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === 'object' && value !== null && symbol in value;
    },
  });
}
