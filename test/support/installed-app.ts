/** Applications as a new user has them: in a fresh folder, with this package installed by npm from its tarball. */
import { execFile } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { afterTest } from './after-test.js';

const run = promisify(execFile);
const ROOT = join(__dirname, '..', '..', '..');
const NPM_OPTIONS = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];

/** Long enough for a large tool on a busy machine; a tool that hangs is ended with the name of its command. */
const DEADLINE_MS = 280_000;

export interface Outcome {
  /** The exit code, or the name of the signal. */
  readonly end: number | string;
  /** Both streams. */
  readonly output: string;
}

export class InstalledApp {
  constructor(readonly dir: string) {}

  /** Writes files, by their paths in the application. */
  write(files: Readonly<Record<string, string>>): void {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.dir, path)), { recursive: true });
      writeFileSync(join(this.dir, path), text);
    }
  }

  path(...parts: string[]): string {
    return join(this.dir, ...parts);
  }

  /** Runs a program in the application's folder and waits for its end, which may be a failure. */
  run(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    const options = {
      cwd: this.dir,
      env: { ...process.env, NODE_TEST_CONTEXT: undefined, ...env },
      maxBuffer: 2 ** 26,
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL' as const,
    };
    return new Promise((resolve) => {
      execFile(command, args, options, (error, stdout, stderr) => {
        resolve({ end: error === null ? 0 : (error.code ?? error.signal ?? 'unknown'), output: stdout + stderr });
      });
    });
  }

  /** Runs a file with Node.js. */
  node(...args: string[]): Promise<Outcome> {
    return this.run(process.execPath, args);
  }
}

/**
 * Makes an application and installs the packed package and others in it. The folder is removed after the test.
 *
 * @param packages package specs of npm
 */
export async function installedApp(
  t: TestContext,
  packages: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<InstalledApp> {
  const app = await install(packages);
  afterTest(t, () => rm(app.dir, { recursive: true, force: true, maxRetries: 3 }));
  app.write(files);
  return app;
}

/**
 * Returns a function that gives all tests of a file the same application, as most of what `installedApp` takes is npm's time. It
 * is installed when the first test asks for it, and removed when the process exits.
 */
export function sharedApp(packages: readonly string[]): () => Promise<InstalledApp> {
  let shared: Promise<InstalledApp> | undefined;
  return () => {
    shared ??= install(packages).then((app) => {
      process.once('exit', () => rmSync(app.dir, { recursive: true, force: true, maxRetries: 3 }));
      return app;
    });
    return shared;
  };
}

async function install(packages: readonly string[]): Promise<InstalledApp> {
  const dir = await mkdtemp(join(tmpdir(), 'prom-multiproc-app-'));
  const app = new InstalledApp(dir);
  app.write({ 'package.json': '{ "private": true }\n' });
  const args = ['install', ...NPM_OPTIONS, await tarball(), ...packages];
  await run('npm', args, { cwd: dir, timeout: DEADLINE_MS, env: userEnvironment() });
  return app;
}

/** Under `npm run` the variables carry the settings of this project, such as that no install script runs, which Bun needs. */
function userEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));
}

let packed: Promise<string> | undefined;

/** Packs the built package, once per process. */
function tarball(): Promise<string> {
  packed ??= pack();
  return packed;
}

async function pack(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'prom-multiproc-packed-'));
  // the tarball is used until the last test has ended
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', dir];
  const { stdout } = await run('npm', args, { cwd: ROOT, timeout: DEADLINE_MS });
  const [{ filename }] = JSON.parse(stdout) as { filename: string }[];
  return join(dir, filename);
}
