/**
 * A real PM2 for a test file, with its own daemon and home. It ends with the test process, however that ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { pm2Directory } from 'prom-multiproc';
import { until } from './program.js';

const CLI = require.resolve('pm2/bin/pm2');
/** A PM2 command would wait for ever for a daemon that does not respond. */
const COMMAND_TIMEOUT_MS = 60_000;

/** The options of an app in an ecosystem file that the tests use. */
export interface App {
  name: string;
  script: string;
  namespace?: string;
  exec_mode?: 'cluster' | 'fork';
  instances?: number;
  node_args?: string[];
  kill_timeout?: number;
  increment_var?: string;
  env?: Record<string, string>;
}

/** The instances whose logs an error shows. */
const running = new Set<Pm2>();

export class Pm2 {
  readonly home = mkdtempSync(join(tmpdir(), 'prom-multiproc-pm2-'));
  readonly #directories = new Set<string>();
  readonly #cleaner: ChildProcess;

  constructor() {
    running.add(this);
    // it waits for the end of its input, which happens at end() or at the death of this process
    this.#cleaner = spawn('sh', ['-c', 'cat; "$0" "$1" kill; rm -rf "$PM2_HOME"', process.execPath, CLI], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: this.#environment(),
    });
    this.#cleaner.unref();
  }

  /** Stops all apps and the daemon, and removes their files. */
  async end(): Promise<void> {
    running.delete(this);
    this.#cleaner.ref();
    const ended = once(this.#cleaner, 'exit');
    this.#cleaner.stdin?.end();
    await ended;
    for (const dir of this.#directories) rmSync(dir, { recursive: true, force: true });
  }

  /** Runs one command of the PM2 command line in `cwd`. @throws {Error} with the logs if it fails */
  async run(args: readonly string[], env: Record<string, string> = {}, cwd?: string): Promise<string> {
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], {
        env: this.#environment(env),
        cwd,
        maxBuffer: 2 ** 26,
        timeout: COMMAND_TIMEOUT_MS,
      });
      return stdout;
    } catch (error) {
      throw new Error(`pm2 ${args.join(' ')} failed\n${this.logs()}`, { cause: error });
    }
  }

  /** Starts apps with an ecosystem file, and waits until each instance is online. */
  async start(...apps: App[]): Promise<void> {
    const file = join(this.home, `${apps[0].name}.config.cjs`);
    writeFileSync(file, `module.exports = ${JSON.stringify({ apps })}`);
    for (const app of apps) this.directoryOf(app);
    await this.run(['start', file]);
  }

  /** Returns the directory of the app's instances from `pm2Directory`. It is removed at the end. */
  directoryOf(app: Pick<App, 'name' | 'script' | 'namespace'>): string {
    const before = process.env.PM2_HOME;
    process.env.PM2_HOME = this.home;
    try {
      const dir = pm2Directory(app);
      this.#directories.add(dir);
      return dir;
    } finally {
      if (before === undefined) delete process.env.PM2_HOME;
      else process.env.PM2_HOME = before;
    }
  }

  /**
   * Returns the pids of an app's instances in ascending order, from the pid files of PM2: `pm2 jlist` takes 0.2 s. During a
   * reload these are the new instances.
   */
  pids(name: string): number[] {
    const dir = join(this.home, 'pids');
    const files = readdirSync(dir).filter((file) => file.replace(/-\d+\.pid$/, '') === name);
    const pids = files.map((file) => Number(contents(join(dir, file))));
    return pids.filter((pid) => pid > 0 && isThere(pid)).toSorted((a, b) => a - b);
  }

  /** Returns an app's instances as PM2 itself describes them. */
  async described(name: string): Promise<{ pid: number; restarts: number }[]> {
    const list = JSON.parse(await this.run(['jlist'])) as any[];
    const own = list.filter((app) => app.name === name);
    return own.map(({ pid, pm2_env: { restart_time: restarts } }) => ({ pid, restarts }));
  }

  /** Returns the end of each log of the daemon and the apps. */
  logs(): string {
    const files = ['pm2.log', ...readdirSync(join(this.home, 'logs')).map((name) => join('logs', name))];
    return files.map((name) => `== ${name}\n${readFileSync(join(this.home, name), 'utf8').slice(-2000)}`).join('\n');
  }

  #environment(env: Record<string, string> = {}): NodeJS.ProcessEnv {
    // the tests themselves may run under PM2, or with a metrics directory in the environment
    const inherited = Object.entries(process.env).filter(([name]) => !/^(pm_|PM2_|PROMETHEUS_|NODE_TEST_)/.test(name));
    return {
      ...Object.fromEntries(inherited),
      PATH: [dirname(process.execPath), process.env.PATH].join(delimiter), // PM2 starts `node`
      PM2_HOME: this.home,
      PM2_DISCRETE_MODE: 'true',
      ...env,
    };
  }
}

function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // its process has just ended
  }
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A busy machine takes seconds to start a few instances. */
const PATIENCE_MS = 60_000;

/**
 * Repeats a query until it has a result. After a minute, or `patienceMs`, it throws an error that names the condition, with
 * the logs of the apps.
 */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = Date.now() + patienceMs;
  return until(async () => {
    const answer = await ask();
    const isAnswer = answer !== undefined && answer !== false;
    if (isAnswer || Date.now() < deadline) return answer;
    throw new Error([`waited in vain: ${what}`, ...[...running].map((pm2) => pm2.logs())].join('\n'));
  }, 2 * patienceMs);
}
