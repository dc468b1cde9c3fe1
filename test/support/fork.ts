import { fork } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { isAbsolute, join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { afterTest } from './after-test.js';

/** The compiled tests: dist/test. */
const TESTS = join(__dirname, '..');

interface Request {
  readonly id: number;
  readonly message: unknown;
}

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  /** Message of what the worker's handler threw. */
  readonly error?: string;
}

/** How a process ended, as node:child_process puts it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** A forked worker script that answers requests: see `answerRequests` for its side. */
export class ForkedWorker {
  /** Fulfilled when the process is gone and the kernel has taken back its locks. */
  readonly exited: Promise<Exit>;
  /** What the worker printed on stdout and stderr so far. */
  output = '';
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;

  constructor(readonly process: ChildProcess) {
    this.exited = once(process, 'exit').then(([code, signal]) => ({ code, signal }));
    void this.#failAtTheEnd();
    process.on('message', (reply: Reply) => this.#settle(reply));
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** Sends one message and waits for its answer; rejects where the worker's handler throws or the worker dies. */
  request<Answer = unknown>(message: unknown): Promise<Answer> {
    const id = ++this.#lastId;
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      if (this.process.exitCode !== null || this.process.signalCode !== null) this.#fail('the worker is dead already');
      else this.process.send({ id, message } satisfies Request, (error) => error && this.#fail(error.message));
    });
  }

  /** Sends a signal and waits for the end; of one that has ended already it tells how. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> {
    this.process.kill(signal);
    return this.exited;
  }

  /** The last words of a script that throws arrive after its exit; a grandchild may keep the pipes open for long. */
  async #failAtTheEnd(): Promise<void> {
    try {
      const closed = once(this.process, 'close');
      const { code, signal } = await this.exited;
      await Promise.race([closed, delay(500, undefined, { ref: false })]);
      this.#fail(`the worker ended with ${signal ?? code} before it answered\n${this.output}`);
    } catch (error) {
      this.#fail(String(error));
    }
  }

  #settle({ id, answer, error }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error === undefined) waiting?.resolve(answer);
    else waiting?.reject(new Error(error));
  }

  #fail(reason: string): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(reason));
    this.#waiting.clear();
  }
}

/**
 * Starts a worker script, waits until it listens, and kills it after the test.
 *
 * @param modulePath a compiled script below dist/test without its extension, such as `cluster/workers/counting`, or an
 *   absolute path
 * @param env added to the test's own environment; `undefined` takes a variable out
 */
export async function forkWorker(
  t: TestContext,
  modulePath: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string | undefined>> = {},
): Promise<ForkedWorker> {
  const script = isAbsolute(modulePath) ? modulePath : join(TESTS, `${modulePath}.js`);
  const worker = new ForkedWorker(
    fork(script, args, {
      // structured clone, for NaN and the infinities have to get through
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // the test runner's variable would make a worker that imports node:test report to nobody
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
    }),
  );
  afterTest(t, async () => {
    await worker.kill();
  });
  await worker.request('ping');
  return worker;
}

/** The worker's side: answers every request of `ForkedWorker#request` with what the handler returns. */
export function answerRequests(handler: (message: never) => unknown): void {
  process.on('message', async ({ id, message }: Request) => {
    try {
      const answer = message === 'ping' ? 'pong' : await handler(message as never);
      process.send?.({ id, answer } satisfies Reply);
    } catch (error) {
      process.send?.({ id, error: error instanceof Error ? error.message : String(error) } satisfies Reply);
    }
  });
}
