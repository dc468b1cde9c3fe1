/**
 * An app for PM2 that works in threads: a piscina pool with its default settings, and a thread that is started without an
 * environment and terminated when it has counted.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { register } from 'prom-multiproc';
import { bake } from './oven.js';

const OVEN = join(__dirname, 'oven.js');
let pool = new Piscina({ filename: OVEN });

const WORK: Record<string, () => Promise<unknown> | void> = {
  main: () => bake('main'),
  pool: () => pool.run('pool', { name: 'bake' }),
  async thread() {
    const worker = new Worker(OVEN, { env: {}, workerData: { bakes: 'thread' } });
    await once(worker, 'message');
    await worker.terminate();
  },
  async recycle() {
    await pool.destroy();
    pool = new Piscina({ filename: OVEN });
  },
};

async function answer(path: string): Promise<string> {
  if (path === '/metrics') return register.metrics();
  await WORK[path.slice(1)]();
  return 'done\n';
}

const server = createServer((request, response) => {
  response.setHeader('X-Pid', process.pid);
  answer(request.url ?? '/').then(
    (text) => response.end(text),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.listen(Number(process.env.PORT), '127.0.0.1');
