import { fork } from 'node:child_process';
import type { ChildProcess, ForkOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { afterTest } from './after-test.js';

/** The directory of the compiled tests: dist/test. */
const TESTS = join(__dirname, '..');

/** A process that runs one module of test/ and communicates over IPC. */
export class ForkedProgram {
  /** Its output so far. */
  output = '';
  /** Settles with the name of a signal or the exit code, after all of its output has arrived. */
  readonly ended: Promise<string | number>;

  constructor(readonly process: ChildProcess) {
    const streams = [process.stdout, process.stderr].filter((stream) => stream !== null);
    for (const stream of streams) stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    // the event 'close' is not emitted if the test has called disconnect()
    const ends = [once(process, 'exit'), ...streams.map((stream) => once(stream, 'close'))];
    this.ended = Promise.all(ends).then(([[code, signal]]) => signal ?? code);
  }

  get pid(): number {
    return this.process.pid as number;
  }

  /** Waits for the next message. @throws {Error} with the output, if the process ends first */
  async nextMessage<Message>(): Promise<Message> {
    const silence = this.ended.then((how) => {
      throw new Error(`the program ended with ${how} instead of an answer\n${this.output}`);
    });
    const [message] = (await Promise.race([once(this.process, 'message'), silence])) as [Message];
    return message;
  }

  async ask<Message>(request: unknown): Promise<Message> {
    const answer = this.nextMessage<Message>();
    this.process.send(request as object);
    return answer;
  }

  /** Ends the process and waits until the kernel has released its resources. @returns the signal or the exit code */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<string | number> {
    this.process.kill(signal);
    return this.ended;
  }
}

/** Starts `module` (a path below test/, without extension). The process is killed after the test. */
export function forkProgram(
  t: TestContext,
  module: string,
  args: readonly string[] = [],
  { env = process.env, ...options }: ForkOptions = {},
): ForkedProgram {
  const fixture = new ForkedProgram(
    fork(join(TESTS, `${module}.js`), args, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // those of the test runner of Node 24 are unknown to other releases
      execArgv: [],
      // with this variable of the test runner, a process that imports node:test would print no report
      env: { ...env, NODE_TEST_CONTEXT: undefined },
      ...options,
    }),
  );
  afterTest(t, async () => {
    await fixture.kill();
  });
  return fixture;
}
