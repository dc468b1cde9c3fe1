import { DirectoryCollector } from './directory-collector.js';

let shared: DirectoryCollector | undefined;

/**
 * The collector of this process's own directory: one index and one set of open files for all registries, for handlers and
 * for other callers without a source of their own.
 */
export function sharedCollector(): DirectoryCollector {
  return (shared ??= new DirectoryCollector());
}
