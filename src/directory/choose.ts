/**
 * Decides which directory is used; no other code does. The seven sources, and their order for each caller:
 *
 * | source | found by | the directory |
 * |---|---|---|
 * | option | `dir` of a collector or of setupPrimary, `--dir` of a command | the one named |
 * | variable | PROMETHEUS_MULTIPROC_DIR | the one named |
 * | setupPrimary | PROM_MULTIPROC_PRIMARY, which setupPrimary sets for its own cluster | the one that it chose |
 * | PM2 | PM2's variables, which all descendants of an app inherit | derived from uid, PM2_HOME, namespace, name, pm_exec_path |
 * | cluster | node:cluster: a worker, or a primary that has forked | derived from the primary's pid and start time |
 * | threads | a worker thread; a process whose threads have made theirs | derived from the process's pid and start time |
 * | search | a command without any of these | the one that processes of this user use |
 *
 * A process counts in the first of variable, setupPrimary, PM2, cluster; without any of them it counts in memory. A reader takes
 * option, then the directory that its process counts in, then one that its workers or threads have created. A command takes
 * option, variable, search.
 *
 * PM2 comes before cluster because the parent of PM2's workers is its daemon, which all apps share, and because an app under
 * PM2 that forks a cluster itself wants the workers of all its instances in one place.
 *
 * A worker thread with its own `env` sees neither the variables nor that its process is a cluster worker (node:cluster does
 * not know that in threads). It uses, in this order: the directory that the thread which started it has announced; the
 * environment that the process was started with; the directory of its process as a worker, if that exists.
 *
 * A thread of a test runner (test-runner.ts) counts in memory, unless a directory is named.
 */
import cluster from 'node:cluster';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { invalidArgument } from '../errors.js';
import { contents } from '../metrics-file/open-file.js';
import { isUnderTestRunner } from '../test-runner.js';
import { derivedDirectories, isDerivedPath, pm2AppPath, processPath } from './derived-directory.js';
import { processStartTime } from './identity.js';
import { onlyUsedOf } from './used-directory.js';
import { type Environment, pm2AppOf } from './pm2-app.js';
import { isForkingPrimary } from './role.js';

export type DirectorySource = 'option' | 'variable' | 'setupPrimary' | 'PM2' | 'cluster' | 'threads' | 'search';

/** A metrics directory, by its path. It need not exist. */
export interface ChosenDirectory {
  readonly dir: string;
  readonly source: DirectorySource;
  /** Whether this package chose the path: such a directory must be private and belong to this user. */
  readonly derived: boolean;
}

/** A source that an environment is enough to decide. */
interface Source {
  /** Whether it is named at run time, which may change while the process counts. */
  readonly isNamed?: boolean;
  /** Returns the path; undefined where this source names none. */
  readonly find: (env: Environment) => string | undefined;
  /** The same in a worker thread, if it differs. */
  readonly findInThread?: (env: Environment) => string | undefined;
}

/** The rows of the table above, from variable to cluster. */
export const SOURCES: ReadonlyMap<DirectorySource, Source> = new Map<DirectorySource, Source>([
  ['variable', { isNamed: true, find: ({ PROMETHEUS_MULTIPROC_DIR: named }) => (named ? resolve(named) : undefined) }],
  [
    'setupPrimary',
    {
      isNamed: true,
      find(env) {
        const { PROM_MULTIPROC_PRIMARY: handed } = env;
        if (handed === undefined) return undefined;
        return handed === verified ? handed.replace(HANDED, '$3') : handedBy(handed, env);
      },
    },
  ],
  [
    'PM2',
    {
      find(env) {
        const app = pm2AppOf(env);
        return app === undefined ? undefined : pm2AppPath(app, env);
      },
    },
  ],
  [
    'cluster',
    {
      find(env) {
        if (cluster.isWorker) return processPath(primaryPid(), env);
        return isForkingPrimary() ? processPath(process.pid, env) : undefined;
      },
      // NODE_UNIQUE_ID is in the environment that a worker was started with
      findInThread: (env) => (env.NODE_UNIQUE_ID === undefined ? undefined : processPath(primaryPid(), env)),
    },
  ],
]);

/** The directory that this process or thread counts in; undefined where no source names one, so that it counts in memory. */
export function chooseOwn(env: Environment = process.env): ChosenDirectory | undefined {
  return isMainThread ? firstOf([...SOURCES], env) : chooseOfThread(env);
}

/** The same, but only where it is named at run time, which may change while the process counts. */
export function chooseNamed(env: Environment = process.env): ChosenDirectory | undefined {
  return firstOf(
    [...SOURCES].filter(([, { isNamed }]) => isNamed),
    env,
  );
}

/** The directory of this process as the primary of a cluster, before or after it has forked. */
export function chooseAsPrimary(): ChosenDirectory {
  return chooseOwn() ?? chosen('cluster', processPath(process.pid, process.env));
}

/** The same as `chooseOwn`, or a directory that this process's worker threads or cluster workers have made. */
export function chooseToJoin(): ChosenDirectory | undefined {
  return chooseOwn() ?? existing(chosen('threads', processPath(process.pid, process.env)));
}

/** Makes the path absolute: workers may have another working directory. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
export function chooseOption(dir: unknown): ChosenDirectory {
  if (typeof dir === 'string' && dir !== '') return { dir: resolve(dir), source: 'option', derived: false };
  throw invalidArgument(`dir ${inspect(dir)} is no path: name a directory, or leave it out`);
}

/** @param named by `--dir`, or the variable. @throws {PromMultiprocError} ERR_NO_DIRECTORY, with those that exist */
export function chooseForCommand(named: string | undefined): ChosenDirectory {
  if (named !== undefined && named !== '') return chooseOption(named);
  return chosen('search', onlyUsedOf(derivedDirectories(process.env)));
}

const ANNOUNCEMENT = 'prom-multiproc.directory';

/**
 * Tells worker threads that this thread starts from now on which directory their process counts in. For a thread that
 * counts there, not for one that only reads.
 */
export function announceDirectory(own: ChosenDirectory): void {
  setEnvironmentData(ANNOUNCEMENT, { ...own });
}

/** The pid and start time of a primary, and its directory. */
const HANDED = /^(\d{1,10}):(\d*):(.+)$/s;
/** A value that was verified stays valid: a worker may outlive its primary. */
let verified: string | undefined;

/**
 * Tells the workers that this process forks, and all copies of this package in it, which directory it has chosen. The
 * variable is not PROMETHEUS_MULTIPROC_DIR, which every child process inherits: Python's client wrote its files into our
 * directory. That variable is changed only where the user has set it before.
 */
export function handToWorkers({ dir }: ChosenDirectory): void {
  const { env } = process;
  env.PROM_MULTIPROC_PRIMARY = `${process.pid}:${processStartTime(process.pid)}:${dir}`;
  if (env.PROMETHEUS_MULTIPROC_DIR) env.PROMETHEUS_MULTIPROC_DIR = dir;
}

/** Valid for the primary itself and its own workers: other descendants inherit the variable, and ignore it. */
function handedBy(handed: string, env: Environment): string | undefined {
  const match = HANDED.exec(handed);
  if (match === null) return undefined;
  const [, pid, startTime, dir] = match;
  const isWorker = cluster.isWorker || env.NODE_UNIQUE_ID !== undefined;
  const isOurs = Number(pid) === process.pid || (isWorker && Number(pid) === primaryPid());
  if (!isOurs || processStartTime(Number(pid)) !== startTime) return undefined;
  verified = handed;
  return dir;
}

function chooseOfThread(env: Environment): ChosenDirectory | undefined {
  const announced = getEnvironmentData(ANNOUNCEMENT) as unknown as ChosenDirectory | undefined;
  const named = chooseNamed(env) ?? announced;
  if (named !== undefined) return named;
  if (isUnderTestRunner(env)) return undefined;
  const initial = initialEnvironment();
  const all = { ...initial, ...env };
  return (
    firstOf([...SOURCES], all, true) ??
    existing(initial === undefined ? chosen('cluster', processPath(primaryPid(), all)) : undefined) ??
    chosen('threads', processPath(process.pid, all))
  );
}

function firstOf(
  sources: Iterable<[DirectorySource, Source]>,
  env: Environment,
  isInThread = false,
): ChosenDirectory | undefined {
  for (const [name, { find, findInThread = find }] of sources) {
    const dir = isInThread ? findInThread(env) : find(env);
    if (dir !== undefined) return chosen(name, dir);
  }
  return undefined;
}

/** A derived directory stays derived when a variable passes it on. */
function chosen(source: DirectorySource, dir: string): ChosenDirectory {
  return { dir, source, derived: isDerivedPath(dir) };
}

let firstParentPid: number | undefined;

/** Called in a worker. Kept from the first call, because a worker that outlives its primary gets another parent. */
function primaryPid(): number {
  firstParentPid ??= process.ppid;
  return firstParentPid;
}

function existing(directory: ChosenDirectory | undefined): ChosenDirectory | undefined {
  return directory !== undefined && existsSync(directory.dir) ? directory : undefined;
}

/**
 * The environment that the process was started with. Linux keeps it unchanged, while node:cluster removes NODE_UNIQUE_ID
 * from process.env. Undefined where it cannot be read, as after setuid(2).
 */
function initialEnvironment(): Environment | undefined {
  const block = contents('/proc/self/environ');
  if (block === '') return undefined;
  const variables: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const entry of block.split('\0')) {
    const equals = entry.indexOf('=');
    if (equals > 0) variables[entry.slice(0, equals)] = entry.slice(equals + 1);
  }
  return variables;
}
