/**
 * Copies of this package in one process: bundlers and frameworks load it once for each module graph, and several packages
 * may each have one installed. Copies of one version share what belongs to the process, by a symbol on `globalThis`: the
 * store with its file and its timer. They do not share the classes and registries of the API, since programs reload the
 * client to get new ones. Copies of different versions know nothing of each other: they merge in a directory.
 *
 * Under a test runner every copy is by itself, for it loads the package again to begin from nothing.
 */
import { isUnderTestRunner } from './test-runner.js';

const { version } = require('../../package.json') as { version: string };

const KEY = Symbol.for(`prom-multiproc ${version}`);
type Parts = Record<string, unknown>;

const parts: Parts = isUnderTestRunner() ? {} : ((globalThis as { [KEY]?: Parts })[KEY] ??= {});

/** Stands for this copy of the package. */
export const THIS_COPY = Symbol('copy');

/** What all copies have together: made by the first one that asks for it. */
export function shared<T>(name: string, make: () => T): T {
  return (parts[name] ??= make()) as T;
}

/** A symbol that is the same in all copies of this version. */
export function symbolOfCopies(name: string): symbol {
  return Symbol.for(`prom-multiproc ${version} ${name}`);
}

/**
 * Has `instanceof` hold for instances that another copy has made. Subclasses in programs are classes as any other.
 */
export function brand(constructor: Function, name: string): void {
  const mark = symbolOfCopies(name);
  Object.defineProperty(constructor.prototype, mark, { value: true });
  Object.defineProperty(constructor, Symbol.hasInstance, {
    value(this: Function, value: unknown): boolean {
      if (this !== constructor) return Function.prototype[Symbol.hasInstance].call(this, value);
      return typeof value === 'object' && value !== null && mark in value;
    },
  });
}
