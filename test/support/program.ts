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
  // an end is one only when all that was printed before it has been read
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

/** Below what the kernel gives to clients and to those who listen on port 0: nobody takes one before its program does. */
const [FIRST_PORT, LAST_PORT] = [20_000, 32_000];

const givenPorts = new Set<number>();

/** The first of `count` ports in a row on 127.0.0.1 that nobody listens on, and that this process has not asked for before. */
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

/** Longer than anything takes on a busy machine, and shorter than the runner waits for a whole file. */
const DEADLINE_MS = 120_000;

/**
 * Asks again and again until the answer is there.
 *
 * @throws {Error} after the deadline; it names the condition by its source
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
