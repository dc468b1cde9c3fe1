/** Cluster workers and threads that a twin program starts of itself, and asks. */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

export const isHelper = !isMainThread || cluster.isWorker;

/** `threads` as the program's first argument, or cluster workers. */
const kind = process.argv[2] === 'threads' ? 'threads' : 'workers';

export interface Helper {
  ask(question?: string): Promise<any>;
  end(): void;
}

/** Starts one more of this program; there once it has called `answer`. */
export async function startHelper(env: Record<string, string> = {}): Promise<Helper> {
  if (kind === 'threads') {
    const thread = new Worker(process.argv[1], {
      argv: process.argv.slice(2),
      env: { ...process.env, ...env } as never,
    });
    await once(thread, 'message');
    return {
      async ask(question = '') {
        thread.postMessage(question);
        return ((await once(thread, 'message')) as unknown[])[0];
      },
      end: () => void thread.terminate(),
    };
  }
  const worker = cluster.fork(env);
  await once(worker, 'message');
  return {
    async ask(question = '') {
      worker.send(question);
      return ((await once(worker, 'message')) as unknown[])[0];
    },
    end: () => worker.kill(),
  };
}

/** Answers whatever the program that started this one asks. */
export function answer(how: (question: string) => unknown): void {
  const say = (message: unknown): void => {
    if (isMainThread) process.send!(message);
    else parentPort!.postMessage(message);
  };
  (isMainThread ? process : parentPort!).on('message', async (question: string) =>
    say((await how(question)) ?? 'done'),
  );
  say('ready');
}
