/**
 * A label value for a worker, which the worker that replaces it gets again. A value that is new for every process, such as the
 * pid or the cluster's worker id, would make new series at every restart, and the series of dead processes are kept.
 */
import cluster, { type Worker } from 'node:cluster';
import { syncBuiltinESMExports } from 'node:module';
import { WORKER_SLOT, workerSlot } from '../directory/worker-slot.js';

const taken = new Set<number>();
/** Number of workers that each slot has had. */
const forked: number[] = [];

/**
 * Gives each worker that this primary forks the lowest number that no living worker has. Node has no event between the
 * decision to fork and the worker's environment, so this function replaces `cluster.fork`.
 */
export function numberWorkers(): void {
  const fork = cluster.fork.bind(cluster);
  cluster.fork = (env?: object): Worker => {
    let slot = 0;
    while (taken.has(slot)) slot++;
    const restarts = forked[slot] ?? 0;
    const worker = fork({ ...env, [WORKER_SLOT.name]: String(slot), [WORKER_SLOT.restarts]: String(restarts) });
    forked[slot] = restarts + 1;
    taken.add(slot);
    worker.once('exit', () => taken.delete(slot));
    return worker;
  };
  // for `import { fork } from 'node:cluster'`
  syncBuiltinESMExports();
}

/**
 * The number of this worker: in a cluster whose primary has called `setupPrimary`, the lowest number that was free; under PM2,
 * the number of the instance. A worker that replaces a dead one gets its number. The result is 'primary' in the primary of a
 * cluster and in a process that is not a worker. In a cluster without `setupPrimary` it is the cluster's worker id, which grows
 * with every restart.
 */
export function workerLabel(): string {
  return workerSlot()?.name ?? (cluster.worker === undefined ? 'primary' : String(cluster.worker.id));
}
