/** Programs that a test starts as a user would, and that end with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { afterTest } from './after-test.js';

export const DIST = join(__dirname, '..', '..');

export interface Program {
  readonly child: ChildProcess;
  /** Returns its output so far. */
  output(): string;
  /** Waits until its output matches. @throws {Error} if it ends first */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits for its end. @returns the exit code, or the name of the signal */
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
  // the end is reported only after all output has been read
  let isOver = false;
  const exit = once(child, 'close').then(([code, signal]: (number | string | null)[]) => {
    isOver = true;
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
          if (match === null && !isOver) return;
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

/** Starts one of the examples with the command in its header. */
export function startExample(
  t: TestContext,
  file: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string | undefined>> = {},
): Program {
  return startProgram(t, process.execPath, [join(DIST, 'examples', file), ...args], env);
}

/** Starts the command line of this package. */
export function startCli(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Program {
  return startProgram(t, process.execPath, [join(DIST, 'src', 'cli', 'main.js'), ...args], env);
}

/** Below the ports that the kernel assigns to clients and to servers on port 0, so that no other program takes one. */
const [FIRST_PORT, LAST_PORT] = [20_000, 32_000];

const givenPorts = new Set<number>();

/**
 * Returns the first of `count` consecutive ports on 127.0.0.1 that are free and that this process has not returned before.
 */
export async function freePort(count = 1): Promise<number> {
  for (;;) {
    const first = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT - count));
    const ports = Array.from({ length: count }, (_, at) => first + at);
    if (ports.some((port) => givenPorts.has(port)) || !(await Promise.all(ports.map(isFree))).every(Boolean)) continue;
    for (const port of ports) givenPorts.add(port);
    return first;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** Longer than any wait on a busy machine, and shorter than the runner's deadline for a file. */
const DEADLINE_MS = 120_000;

/**
 * Repeats a query until it returns a result.
 *
 * @throws {Error} after the deadline; the text has the source of the query
 */
export async function until<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > end) throw new Error(`waited ${deadlineMs / 1000} s in vain for ${ask.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
