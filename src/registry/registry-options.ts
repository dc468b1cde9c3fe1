import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { isRegistryName } from '../model/registry-id.js';

export interface RegistryOptions {
  /**
   * The name of the registry in merged output: it is merged with registries of the same name in other processes. Without a
   * name, each of its metrics is merged with equal metrics of unnamed registries in other processes.
   */
  name?: string;
  /** `false` keeps the metrics in this process: no other process shows them. */
  multiprocess?: boolean;
}

export interface ScopeOptions {
  /**
   * 'process': the values of this process. 'merged': the values of all processes that share the directory. The default is
   * 'merged' for text and 'process' for objects, because programs aggregate objects themselves.
   */
  scope?: 'process' | 'merged';
}

/** A registry that `Registry.merge` accepts: of this package or of prom-client. */
export interface MergeableRegistry {
  readonly contentType: string;
  getMetricsAsArray(): any[];
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the name is not allowed */
export function nameOf({ name }: RegistryOptions): string | undefined {
  if (name === undefined || (typeof name === 'string' && isRegistryName(name))) return name;
  throw invalidArgument(`a registry's name is a string that does not begin with "?" or "!", not ${inspect(name)}`);
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the scope is unknown */
export function assertScope(scope: unknown): void {
  if (scope === 'process' || scope === 'merged') return;
  throw invalidArgument(`scope ${inspect(scope)} is not known: 'process' or 'merged'`);
}
