import cluster from 'node:cluster';
import { isMainThread } from 'node:worker_threads';

/**
 * Whether this is the primary of a cluster: the main thread of a process that has forked workers. `cluster.isPrimary` alone
 * is true in every process that is not a worker, and in the threads of workers; `cluster.settings` is filled by the first
 * fork.
 */
export function isForkingPrimary(): boolean {
  return isMainThread && cluster.isPrimary && Object.keys(cluster.settings ?? {}).length > 0;
}
