/**
 * A label for the worker that a process is, which its successor gets again. A label that is new with every process, such as a
 * pid or the cluster's worker id, makes new series at every restart, and what the dead ones have counted is kept.
 */
import cluster, { type Worker } from 'node:cluster';
import { syncBuiltinESMExports } from 'node:module';

const VARIABLE = 'PROM_MULTIPROC_WORKER_SLOT';

const taken = new Set<number>();
let isNumbering = false;

/**
 * Has each worker that this primary forks told the lowest number that no living one has. Node has no event between the
 * decision to fork and the worker's environment, so that `cluster.fork` itself is replaced.
 */
export function numberWorkers(): void {
  if (isNumbering) return;
  isNumbering = true;
  const fork = cluster.fork.bind(cluster);
  cluster.fork = (env?: object): Worker => {
    let slot = 0;
    while (taken.has(slot)) slot++;
    const worker = fork({ ...env, [VARIABLE]: String(slot) });
    taken.add(slot);
    worker.once('exit', () => taken.delete(slot));
    return worker;
  };
  // for `import { fork } from 'node:cluster'`
  syncBuiltinESMExports();
}

/**
 * The number of this worker among those that live: in a cluster whose primary has called `setupPrimary`, or under PM2 (its
 * instance). A worker that takes the place of a dead one has its number. 'primary' in the primary of a cluster and in a
 * process that is no worker; in a cluster without `setupPrimary` the cluster's own id, which grows with every restart.
 */
export function workerLabel(): string {
  const { [VARIABLE]: slot, NODE_APP_INSTANCE: instance, pm_id: pm2Id } = process.env;
  // a child process of a worker inherits the variable, and is no worker
  if (cluster.isWorker && slot !== undefined) return slot;
  if (pm2Id !== undefined && instance !== undefined && instance !== '') return instance;
  return cluster.worker === undefined ? 'primary' : String(cluster.worker.id);
}
