import { inspect } from 'node:util';
import { PromMultiprocError } from '../errors.js';
import { isUnnamedRegistry } from '../model/registry-id.js';

export interface RegistryOptions {
  /**
   * What tells the registry from others in merged output: it is merged with those of the same name in other processes.
   * Without one, each of its metrics is merged with those that registries without a name declare alike in other processes.
   */
  name?: string;
  /** `false` keeps the registry's metrics in this process: no other sees them. */
  multiprocess?: boolean;
}

export interface ScopeOptions {
  /**
   * 'process': what this process counted. 'merged': the values of all processes, where several share a directory. The
   * default is 'merged' for text, and 'process' for objects, since it is objects that programs aggregate by themselves.
   */
  scope?: 'process' | 'merged';
}

/** What can be merged: registries of this package and of prom-client. */
export interface MergeableRegistry {
  readonly contentType: string;
  getMetricsAsArray(): any[];
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the name is none */
export function nameOf({ name }: RegistryOptions): string | undefined {
  if (name === undefined || (typeof name === 'string' && name !== '' && !isUnnamedRegistry(name))) return name;
  throw new PromMultiprocError(
    'ERR_INVALID_ARGUMENT',
    `a registry's name is a string that does not begin with "?", not ${inspect(name)}`,
  );
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where there is no such scope */
export function assertScope(scope: unknown): void {
  if (scope === 'process' || scope === 'merged') return;
  throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `scope ${inspect(scope)} is not known: 'process' or 'merged'`);
}
