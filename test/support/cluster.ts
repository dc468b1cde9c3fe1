/**
 * Real processes for a test: any number of them, each able to fork cluster workers and start threads, each running tasks
 * that are written where the test is.
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
 * Where files are written on a timer, readers are behind by at most this: the 250 ms between two writes, and what a timer
 * is late on a machine that runs many tests at once. With mapped files, by nothing.
 */
export const BEHIND_MS = process.env.PROM_MULTIPROC_NO_MMAP === '1' ? 450 : 0;

/** When a member was last asked to do something. */
let lastTaskAt = 0;

/** Waits until what was counted so far is where readers find it. */
export async function written(): Promise<void> {
  const wait = lastTaskAt + BEHIND_MS - Date.now();
  if (BEHIND_MS > 0 && wait > 0) await delay(wait);
}

type Environment = Readonly<Record<string, string | undefined>>;
type Task<Args extends readonly unknown[], Answer> = (kit: Kit, ...args: Args) => Answer;

/** The process that a test started, and the wire to it. */
class Root {
  output = '';
  /** Directories that it has made outside the test's own. */
  readonly leftovers = new Set<string>();
  /** Of cluster workers, by their paths. */
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

  /** Workers first: a primary that is gone can no longer wait for them, and they would go on beside the next test. */
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
      reject(new Error(`${key === '' ? 'the process' : key} ended with ${how} before it answered\n${this.output}`));
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
    /** Of its process. */
    readonly pid: number,
  ) {
    this.#root = root;
    this.#path = path;
  }

  /** How it ended: a signal's name or an exit code. */
  get ended(): Promise<string> {
    return this.#root.ended(this.#path).promise;
  }

  /** What the whole family has printed. */
  get output(): string {
    return this.#root.output;
  }

  /** Has a directory that the process chose itself removed after the test. */
  leaves(dir: string): void {
    this.#root.leftovers.add(dir);
  }

  /**
   * Runs a function there. Its text is sent: it may use what it is given, and nothing of what surrounds it here.
   * NaN, infinities and undefined arrive as they are.
   */
  async run<Args extends readonly unknown[], Answer>(
    task: Task<Args, Answer>,
    ...args: Args
  ): Promise<Awaited<Answer>> {
    try {
      return await this.look(task, ...args);
    } finally {
      lastTaskAt = Date.now();
    }
  }

  /** The same for a task that counts nothing, so that nobody need wait for what it counted to be written. */
  look<Args extends readonly unknown[], Answer>(task: Task<Args, Answer>, ...args: Args): Promise<Awaited<Answer>> {
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

  /** Ends a process by a signal and waits for it to be gone. What it counted has had the time to be written. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<string> {
    await written();
    process.kill(this.pid, signal);
    return this.ended;
  }

  /** Ends a thread from outside. */
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
 * Starts a process that runs tasks; it and all that it starts are killed after the test.
 *
 * @param env added to the test's own environment; `undefined` takes a variable out
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

/** A cluster in a directory of its own: its primary, which has called `setupPrimary`, and workers. */
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

/** The default registry's exposition as this member serves it, found sound: no series twice, histograms monotonic. */
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

/** The lines of one metric without its comments, for comparing them with what was expected. */
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
