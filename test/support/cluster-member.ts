/**
 * The program of every process and thread in a test's cluster. It runs tasks, which arrive as source text, or passes them on
 * to a cluster worker or a thread that it has started. It loads nothing of the package before a task uses it.
 */
import cluster, { type Worker as ClusterWorker } from 'node:cluster';
import { runInThisContext } from 'node:vm';
import { isMainThread, parentPort, Worker as Thread, type WorkerOptions } from 'node:worker_threads';

export interface TaskRequest {
  readonly id: number;
  /** Names of members, from the one that the test started to the one that runs the task. */
  readonly path: readonly string[];
  /** The source text of a function. */
  readonly task: string;
  readonly args: readonly unknown[];
}

export type MemberMessage =
  | { readonly id: number; readonly answer?: unknown; readonly error?: string }
  | { readonly ended: readonly string[]; readonly how: string };

/** The first argument of a task. */
export interface Kit {
  /** The package; it is loaded at the first access. */
  readonly prom: typeof import('prom-multiproc');
  /** Values that a task keeps for later tasks in the same process or thread. */
  readonly kept: Record<string, any>;
  readonly require: typeof require;
  /** Starts a cluster worker and returns its name. */
  fork(env?: Record<string, string>): string;
  /** Starts a worker thread and returns its name. */
  thread(options?: WorkerOptions): string;
  terminate(thread: string): Promise<number>;
}

interface Child {
  send(message: TaskRequest): void;
}

const children = new Map<string, Child>();
const threads = new Map<string, Thread>();
const kept: Record<string, any> = {};

const kit: Kit = {
  get prom() {
    return require('prom-multiproc') as typeof import('prom-multiproc');
  },
  kept,
  require,
  fork(env = {}) {
    cluster.setupPrimary({ exec: __filename, serialization: 'advanced' });
    const worker: ClusterWorker = cluster.fork(env);
    const name = `worker-${worker.id}`;
    worker.on('message', (message: MemberMessage) => passUp(name, message));
    worker.on('exit', (code, signal) => report({ ended: [name], how: signal ?? String(code) }));
    children.set(name, { send: (message) => worker.send(message) });
    return name;
  },
  thread(options = {}) {
    const thread = new Thread(__filename, options);
    const name = `thread-${thread.threadId}`;
    thread.on('message', (message: MemberMessage) => passUp(name, message));
    thread.on('error', (error) => console.error(error));
    thread.on('exit', (code) => report({ ended: [name], how: String(code) }));
    threads.set(name, thread);
    children.set(name, { send: (message) => thread.postMessage(message) });
    return name;
  },
  terminate: (name) => threads.get(name)!.terminate(),
};

function report(message: MemberMessage): void {
  if (isMainThread) process.send?.(message);
  else parentPort!.postMessage(message);
}

function passUp(name: string, message: MemberMessage): void {
  report('ended' in message ? { ...message, ended: [name, ...message.ended] } : message);
}

async function onRequest(request: TaskRequest): Promise<void> {
  const { id, path, task, args } = request;
  try {
    if (path.length > 0) {
      children.get(path[0])!.send({ ...request, path: path.slice(1) });
      return;
    }
    const run = runInThisContext(`(${task})`) as (kit: Kit, ...args: readonly unknown[]) => unknown;
    report({ id, answer: await run(kit, ...args) });
  } catch (error) {
    report({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}

if (isMainThread) {
  process.on('message', onRequest);
  // if a test ends early, its processes end too
  process.on('disconnect', () => process.exit());
} else {
  parentPort!.on('message', onRequest);
}
