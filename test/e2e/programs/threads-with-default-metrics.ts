/** A process whose threads collect default metrics on order. */
import { readFileSync } from 'node:fs';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { collectDefaultMetrics } from 'prom-multiproc';
import { runCollectCallbacks } from '../../../src/registry/collect-callbacks.js';
import { flushStore } from '../../../src/storage/process-store.js';

export type Order =
  | { readonly order: 'collect in the main thread' }
  | { readonly order: 'start a thread' }
  | { readonly order: 'end the oldest thread' }
  /** In all threads. */
  | { readonly order: 'collect' };

/** The figures that the process has of itself. */
export interface Truth {
  /** Before it has collected. */
  readonly cpuSeconds: number;
  readonly residentBytes: number;
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Uses the processor for a while, so that a double count is visible. */
function work(): void {
  for (const until = performance.now() + 100; performance.now() < until;);
}

async function collect(): Promise<void> {
  await runCollectCallbacks();
  flushStore();
}

class Application {
  readonly #threads: Worker[] = [];
  #mainCollects = false;

  async obey({ order }: Order): Promise<Truth> {
    const before = cpuSeconds();
    switch (order) {
      case 'collect in the main thread':
        this.#mainCollects = true;
        collectDefaultMetrics();
        break;
      case 'start a thread': {
        const thread = new Worker(__filename);
        this.#threads.push(thread);
        await this.#answerOf(thread);
        break;
      }
      case 'end the oldest thread':
        await this.#ask(this.#threads.shift()!, 'end');
        break;
      case 'collect':
        work();
        for (const thread of this.#threads) await this.#ask(thread, 'collect');
        if (this.#mainCollects) await collect();
    }
    const status = readFileSync('/proc/self/status', 'latin1');
    const residentBytes = Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)![1]) * 1024;
    return { cpuSeconds: before, residentBytes };
  }

  async #ask(thread: Worker, what: string): Promise<void> {
    const ended = what === 'end' ? new Promise((resolve) => thread.once('exit', resolve)) : this.#answerOf(thread);
    thread.postMessage(what);
    await ended;
  }

  async #answerOf(thread: Worker): Promise<unknown> {
    return new Promise((resolve, reject) => thread.once('message', resolve).once('error', reject));
  }
}

if (isMainThread) {
  const application = new Application();
  process.on('message', (order: Order) => {
    void application.obey(order).then((truth) => process.send?.(truth));
  });
  process.on('disconnect', () => process.exit());
} else {
  collectDefaultMetrics();
  parentPort!.on('message', (what: string) => {
    if (what === 'end') process.exit();
    void collect().then(() => parentPort!.postMessage('collected'));
  });
  void collect().then(() => parentPort!.postMessage('started'));
}
