import cluster from 'node:cluster';

/** A worker's number, which the worker that replaces it gets again, and how many processes had it before. */
export interface WorkerSlot {
  /** Text, since PM2's users may choose it. */
  readonly name: string;
  /** Undefined where no program counts them. */
  readonly restarts: number | undefined;
}

/** The environment of a worker that a primary has forked after `setupPrimary`. */
export const WORKER_SLOT = { name: 'PROM_MULTIPROC_WORKER_SLOT', restarts: 'PROM_MULTIPROC_WORKER_RESTARTS' } as const;

/** The slot of this process; undefined where it has none. */
export function workerSlot(): WorkerSlot | undefined {
  const { env } = process;
  const { [WORKER_SLOT.name]: slot, NODE_APP_INSTANCE: instance, pm_id: pm2Id } = env;
  // a child process of a worker inherits the variable, but is not a worker
  if (cluster.isWorker && slot !== undefined) return { name: slot, restarts: wholeNumber(env[WORKER_SLOT.restarts]) };
  if (pm2Id === undefined || instance === undefined || instance === '') return undefined;
  return { name: instance, restarts: wholeNumber(env.restart_time) };
}

function wholeNumber(text = ''): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}
