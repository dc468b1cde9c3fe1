/**
 * The helpers that a twin program asks: cluster workers or threads that it starts of itself, or instances of itself that run
 * under PM2 and listen at sockets in the directory TWIN_SOCKETS.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const { TWIN_SOCKETS, NODE_APP_INSTANCE: instance } = process.env;

export const isHelper = !isMainThread || cluster.isWorker || instance !== undefined;

/** The program's first argument, or cluster workers. */
const kind = (process.argv[2] ?? 'workers') as 'threads' | 'workers' | 'pm2';

export interface Helper {
  ask(question?: string): Promise<any>;
  end(): void;
}

const socketOf = (number: number | string): string => join(TWIN_SOCKETS!, `${number}.sock`);
let started = 0;

const STARTS = {
  async threads(env: Record<string, string>): Promise<Helper> {
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
  },
  async workers(env: Record<string, string>): Promise<Helper> {
    const worker = cluster.fork(env);
    await once(worker, 'message');
    return {
      async ask(question = '') {
        worker.send(question);
        return ((await once(worker, 'message')) as unknown[])[0];
      },
      end: () => worker.kill(),
    };
  },
  pm2(): Promise<Helper> {
    const socketPath = socketOf(started++);
    return Promise.resolve({
      async ask(question = '') {
        const asked = request({ socketPath, path: `/${question}` }).end();
        const [response] = (await once(asked, 'response')) as [import('node:http').IncomingMessage];
        return JSON.parse(await text(response)) as unknown;
      },
      end: () => undefined,
    });
  },
};

/** Starts one more helper, and waits until it has called `answer`. PM2 starts its instances itself. */
export function startHelper(env: Record<string, string> = {}): Promise<Helper> {
  return STARTS[kind](env);
}

/** Answers the questions of the program that started this one. */
export function answer(how: (question: string) => unknown): void {
  if (instance !== undefined) {
    const server = createServer(async ({ url }, response) => {
      response.end(JSON.stringify((await how(url!.slice(1))) ?? 'done'));
    });
    server.listen(socketOf(instance));
    return;
  }
  const reply = (message: unknown): void => {
    if (isMainThread) process.send!(message);
    else parentPort!.postMessage(message);
  };
  (isMainThread ? process : parentPort!).on('message', async (question: string) =>
    reply((await how(question)) ?? 'done'),
  );
  reply('ready');
}
