/** Programs that a test starts as a user would, and that end with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { afterTest } from './after-test.js';

export const DIST = join(__dirname, '..', '..');

export interface Program {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  output(): string;
  /** Waits until it has printed a match. @throws where it ends before */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits for its end; answers the exit code, or the signal's name. */
  ended(): Promise<number | string>;
}

export function startProgram(
  t: TestContext,
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
  cwd?: string,
): Program {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], cwd });
  let output = '';
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const look of waiting) look();
  };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      wake();
    });
  }
  const exit = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    wake();
    return code ?? signal ?? 'unknown';
  });
  afterTest(t, async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exit;
  });
  return {
    child,
    output: () => output,
    ended: () => exit,
    printed(pattern) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output);
          const over = child.exitCode !== null || child.signalCode !== null;
          if (match === null && !over) return;
          waiting.delete(look);
          if (match !== null) resolve(match);
          else reject(new Error(`${command} ${args.join(' ')} ended without printing ${pattern}:\n${output}`));
        };
        waiting.add(look);
        look();
      });
    },
  };
}

/** One of the examples, as its header says how. */
export function startExample(
  t: TestContext,
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string | undefined>> = {},
): Program {
  return startProgram(t, process.execPath, [join(DIST, 'examples', file), ...args], env);
}

/** The command line of this package. */
export function startCli(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Program {
  return startProgram(t, process.execPath, [join(DIST, 'src', 'cli', 'main.js'), ...args], env);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Asks again and again until the answer is there; the test's own timeout is the only other end. */
export async function until<T>(ask: () => Promise<T | undefined | false> | T | undefined | false): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
