import { fork } from 'node:child_process';
import type { ChildProcess, ForkOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** The compiled tests: dist/test. */
const TESTS = join(__dirname, '..');

/** A process that runs one module of test/ and talks over IPC. */
export class Fixture {
  constructor(readonly process: ChildProcess) {}

  get pid(): number {
    return this.process.pid as number;
  }

  /** The next message; an error where the process ends first. */
  async said<Message>(): Promise<Message> {
    const ended = new AbortController();
    const onEnd = (code: number | null, signal: string | null): void =>
      ended.abort(new Error(`the fixture ended with ${signal ?? code} instead of an answer`));
    this.process.once('exit', onEnd);
    try {
      const [message] = (await once(this.process, 'message', { signal: ended.signal })) as [Message];
      return message;
    } catch (error) {
      throw ended.signal.aborted ? ended.signal.reason : error;
    } finally {
      this.process.off('exit', onEnd);
    }
  }

  async ask<Message>(request: unknown): Promise<Message> {
    const answer = this.said<Message>();
    this.process.send(request as object);
    return answer;
  }

  /** Ends the process and waits until the kernel has let go of all it had. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const exit = once(this.process, 'exit');
    this.process.kill(signal);
    await exit;
  }
}

/** Starts `module` (a path below test/, without extension); it is killed after the test. */
export function startFixture(t: TestContext, module: string, args: string[] = [], options: ForkOptions = {}): Fixture {
  const fixture = new Fixture(fork(join(TESTS, `${module}.js`), args, options));
  t.after(() => fixture.kill());
  return fixture;
}
