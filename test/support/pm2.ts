/**
 * The real PM2 for a test file: a daemon of its own, in a home of its own, that ends with the test process however that
 * ends.
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
/** A command that waits for a daemon which does not answer waits for ever. */
const COMMAND_TIMEOUT_MS = 60_000;

/** As in an ecosystem file; what the tests use of it. */
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

/** Whose logs an error should show. */
const running = new Set<Pm2>();

export class Pm2 {
  readonly home = mkdtempSync(join(tmpdir(), 'prom-multiproc-pm2-'));
  readonly #directories = new Set<string>();
  readonly #undertaker: ChildProcess;

  constructor() {
    running.add(this);
    // waits for the end of its input, which comes with end() or with the death of this process
    this.#undertaker = spawn('sh', ['-c', 'cat; "$0" "$1" kill; rm -rf "$PM2_HOME"', process.execPath, CLI], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      env: this.#environment(),
    });
    this.#undertaker.unref();
  }

  /** Stops all apps and the daemon, and removes what they wrote. */
  async end(): Promise<void> {
    running.delete(this);
    this.#undertaker.ref();
    const ended = once(this.#undertaker, 'exit');
    this.#undertaker.stdin?.end();
    await ended;
    for (const dir of this.#directories) rmSync(dir, { recursive: true, force: true });
  }

  /** One command of its command line, typed in `cwd`; an error with the logs where it fails. */
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

  /** Starts apps as an ecosystem file would, and waits until each instance is online. */
  async start(...apps: App[]): Promise<void> {
    const file = join(this.home, `${apps[0].name}.config.cjs`);
    writeFileSync(file, `module.exports = ${JSON.stringify({ apps })}`);
    for (const app of apps) this.directoryOf(app);
    await this.run(['start', file]);
  }

  /** Where the app's instances count, by `pm2Directory`; removed in the end. */
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
   * Of an app's instances, ascending, by the files that PM2 keeps of them: `pm2 jlist` takes 0.2 s. During a reload these
   * are the new ones.
   */
  pids(name: string): number[] {
    const dir = join(this.home, 'pids');
    const files = readdirSync(dir).filter((file) => file.replace(/-\d+\.pid$/, '') === name);
    const pids = files.map((file) => Number(contents(join(dir, file))));
    return pids.filter((pid) => pid > 0 && isThere(pid)).toSorted((a, b) => a - b);
  }

  /** What the daemon and the apps have written, the end of each. */
  logs(): string {
    const files = ['pm2.log', ...readdirSync(join(this.home, 'logs')).map((name) => join('logs', name))];
    return files.map((name) => `== ${name}\n${readFileSync(join(this.home, name), 'utf8').slice(-2000)}`).join('\n');
  }

  #environment(env: Record<string, string> = {}): NodeJS.ProcessEnv {
    // whoever runs the tests may do so under a PM2 or in a directory of their own
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

/** What a busy machine takes to start a few instances is seconds. */
const PATIENCE_MS = 60_000;

/** Asks again until there is an answer. An error after a minute, naming what was waited for, with what the apps have said. */
export async function eventually<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  return until(async () => {
    const answer = await ask();
    const isAnswer = answer !== undefined && answer !== false;
    if (isAnswer || Date.now() < deadline) return answer;
    throw new Error([`waited in vain: ${what}`, ...[...running].map((pm2) => pm2.logs())].join('\n'));
  });
}
