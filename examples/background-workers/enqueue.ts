/** Puts jobs onto the queue: node dist/examples/background-workers/enqueue.js mail 10 report 5 fails-once 3 */
import { Queue } from 'bullmq';

async function main(): Promise<void> {
  const queue = new Queue('tasks', { connection: { host: '127.0.0.1', port: Number(process.env.REDIS_PORT ?? 6379) } });
  const args = process.argv.slice(2);
  for (let at = 0; at + 1 < args.length; at += 2) {
    const jobs = Array.from({ length: Number(args[at + 1]) }, () => ({
      name: args[at],
      data: {},
      opts: { attempts: 2 },
    }));
    await queue.addBulk(jobs);
  }
  await queue.close();
}

void main();
