/**
 * Real processes for a test. Each can fork cluster workers and start threads, and runs tasks that are written in the test.
 */
import { type ChildProcess, fork as forkProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { afterTest } from './after-test.js';
import type { Kit, MemberMessage, TaskRequest } from './cluster-member.js';
import { assertHistogramsAreSound, assertNoDuplicateSeries } from './exposition-parser.js';

/**
 * The maximum delay of readers if files are written by a timer: 250 ms between two writes, and the lateness of a timer on a
 * machine that runs many tests at once. Mapped files have no delay.
 */
export const BEHIND_MS = process.env.PROM_MULTIPROC_NO_MMAP === '1' ? 450 : 0;

/** The time of the last request to any member. */
let lastTaskAt = 0;

/** Waits until readers can see the values that were counted so far. */
export async function written(): Promise<void> {
  const wait = lastTaskAt + BEHIND_MS - Date.now();
  if (BEHIND_MS > 0 && wait > 0) await delay(wait);
}

type Environment = Readonly<Record<string, string | undefined>>;
type Task<Args extends readonly unknown[], Result> = (kit: Kit, ...args: Args) => Result;

/** The process that a test started, and the connection to it. */
class Root {
  output = '';
  /** Directories that it made outside of the test's directory. */
  readonly leftovers = new Set<string>();
  /** Pids of cluster workers by their paths. */
  readonly workers = new Map<string, number>();
  readonly #waiting = new Map<number, { path: string; resolve(answer: any): void; reject(error: Error): void }>();
  readonly #ended = new Map<string, { promise: Promise<string>; resolve(how: string): void }>();
  #lastId = 0;

  constructor(readonly process: ChildProcess) {
    process.on('message', (message: MemberMessage) => this.#take(message));
    process.on('exit', (code, signal) => this.#end([], signal ?? String(code)));
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
  }

  request(path: readonly string[], task: string, args: readonly unknown[]): Promise<any> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { path: path.join('/'), resolve, reject });
      this.process.send({ id, path, task, args } satisfies TaskRequest, (error) => error && reject(error));
    });
  }

  ended(path: readonly string[]): { promise: Promise<string>; resolve(how: string): void } {
    const key = path.join('/');
    let ended = this.#ended.get(key);
    if (ended === undefined) {
      let resolve!: (how: string) => void;
      const promise = new Promise<string>((settle) => (resolve = settle));
      ended = { promise, resolve };
      this.#ended.set(key, ended);
    }
    return ended;
  }

  /** Ends the workers first: a primary that has exited cannot wait for them, and they would run on during the next test. */
  async end(): Promise<void> {
    if (this.process.exitCode === null && this.process.signalCode === null) {
      for (const pid of this.workers.values()) killQuietly(pid);
      await Promise.all([...this.workers.keys()].map((path) => this.ended(path.split('/')).promise));
      this.process.kill('SIGKILL');
      await this.ended([]).promise;
    }
    for (const dir of this.leftovers) rmSync(dir, { recursive: true, force: true });
  }

  #take(message: MemberMessage): void {
    if ('ended' in message) {
      this.#end(message.ended, message.how);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.error === undefined) waiting?.resolve(message.answer);
    else waiting?.reject(new Error(message.error));
  }

  #end(path: readonly string[], how: string): void {
    this.ended(path).resolve(how);
    const key = path.join('/');
    this.workers.delete(key);
    if (key === '') for (const [of, { resolve }] of this.#ended) if (of !== '') resolve('its process ended');
    for (const [id, { path: of, reject }] of this.#waiting) {
      if (key !== '' && of !== key && !of.startsWith(`${key}/`)) continue;
      this.#waiting.delete(id);
      reject(new Error(`${key === '' ? 'the process' : key} ended with ${how} before it replied\n${this.output}`));
    }
  }
}

/** One process or thread. */
export class Member {
  readonly #root: Root;
  readonly #path: readonly string[];

  constructor(
    root: Root,
    path: readonly string[],
    /** The pid of its process. */
    readonly pid: number,
  ) {
    this.#root = root;
    this.#path = path;
  }

  /** Settles at its end with the name of a signal or an exit code. */
  get ended(): Promise<string> {
    return this.#root.ended(this.#path).promise;
  }

  /** The output of the process that the test started, with that of its workers and threads. */
  get output(): string {
    return this.#root.output;
  }

  /** Registers a directory that the process chose itself for removal after the test. */
  leaves(dir: string): void {
    this.#root.leftovers.add(dir);
  }

  /**
   * Runs a function in this member. The source text of the function is sent, so it may use its arguments but no variables of
   * the code around it. NaN, infinities and undefined are sent correctly.
   */
  async run<Args extends readonly unknown[], Result>(
    task: Task<Args, Result>,
    ...args: Args
  ): Promise<Awaited<Result>> {
    try {
      return await this.look(task, ...args);
    } finally {
      lastTaskAt = Date.now();
    }
  }

  /** Like `run`, for a task that counts nothing: `written` need not wait for it. */
  look<Args extends readonly unknown[], Result>(task: Task<Args, Result>, ...args: Args): Promise<Awaited<Result>> {
    return this.#root.request(this.#path, task.toString(), args);
  }

  /** Forks a cluster worker of this process. */
  async fork(env: Record<string, string> = {}): Promise<Member> {
    return this.#child(await this.run(({ fork }, variables) => fork(variables), env));
  }

  /** Starts a worker thread of this process or thread. */
  async thread(options: object = {}): Promise<Member> {
    return this.#child(await this.run(({ thread }, given) => thread(given), options));
  }

  /** Waits until counted values are written, ends the process with a signal and waits for its end. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<string> {
    await written();
    process.kill(this.pid, signal);
    return this.ended;
  }

  /** Terminates a thread from its parent. */
  async terminate(): Promise<void> {
    await written();
    const parent = new Member(this.#root, this.#path.slice(0, -1), this.pid);
    await parent.run(({ terminate }, name) => terminate(name), this.#path.at(-1)!);
  }

  async #child(name: string): Promise<Member> {
    const path = [...this.#path, name];
    const pid: number = await this.#root.request(path, '() => process.pid', []);
    if (pid !== this.pid) this.#root.workers.set(path.join('/'), pid);
    return new Member(this.#root, path, pid);
  }
}

/**
 * Starts a process that runs tasks. It and all processes that it starts are killed after the test.
 *
 * @param env variables that are added to the environment of the test; `undefined` removes a variable
 */
export async function startMember(t: TestContext, env: Environment = {}): Promise<Member> {
  const child = forkProcess(join(__dirname, 'cluster-member.js'), {
    serialization: 'advanced',
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, PROMETHEUS_MULTIPROC_DIR: undefined, ...env },
  });
  const root = new Root(child);
  const member = new Member(root, [], child.pid!);
  afterTest(t, () => root.end());
  await member.run(() => undefined);
  return member;
}

/** Starts a cluster in its own directory: a primary, which has called `setupPrimary`, and workers. */
export async function startCluster(
  t: TestContext,
  dir: string,
  workers = 2,
  env: Environment = {},
): Promise<{ primary: Member; workers: Member[] }> {
  const primary = await startMember(t, { PROMETHEUS_MULTIPROC_DIR: dir, ...env });
  await primary.run(({ prom }) => prom.setupPrimary());
  return { primary, workers: await Promise.all(Array.from({ length: workers }, () => primary.fork())) };
}

/**
 * Returns the exposition of the default registry from this member, after checking it: no series twice, histograms monotonic.
 */
export async function scrape(member: Member, format: 'text' | 'openmetrics' = 'text'): Promise<string> {
  await written();
  const text = await member.look(async ({ prom }, wanted) => {
    const { register, prometheusContentType, openMetricsContentType } = prom;
    register.setContentType(wanted === 'text' ? prometheusContentType : openMetricsContentType);
    return register.metrics();
  }, format);
  assertSound(text);
  return text;
}

export function assertSound(text: string): void {
  assertNoDuplicateSeries(text);
  assertHistogramsAreSound(text);
}

/** Returns the sample lines of one metric, to compare them with the expected ones. */
export function linesOf(text: string, name: string): string[] {
  const line = new RegExp(`^${name}(_bucket|_sum|_count|_created|_total)?[{ ]`);
  return text.split('\n').filter((candidate) => line.test(candidate));
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended by itself
  }
}
