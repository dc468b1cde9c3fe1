/**
 * Which directory a process's metrics belong in, derived by each process for itself so that all of an application's
 * processes arrive at the same one without a message between them. In this order:
 *
 * | who | found by | the directory is named after |
 * |---|---|---|
 * | anybody | PROMETHEUS_MULTIPROC_DIR | itself |
 * | an app under PM2 and all its descendants | PM2's variables | uid, PM2_HOME, namespace, name, pm_exec_path |
 * | a cluster worker and its threads | node:cluster | the primary's pid and start time |
 * | a cluster primary and its threads | it has forked or called setupPrimary | its own pid and start time |
 * | a worker thread | isMainThread | its process's pid and start time |
 * | a process in none of these | | none: it counts in memory |
 *
 * PM2 comes before node:cluster because the parent of its workers is the PM2 daemon, which all apps share, and because an
 * app under PM2 that forks a cluster itself wants the workers of all its instances in one place. A child process inherits
 * PM2's variables and so belongs to the app, whatever it runs; PROMETHEUS_MULTIPROC_DIR sets it apart.
 *
 * A worker thread that was given an `env` of its own sees neither variables nor that its process is a cluster worker
 * (node:cluster forgets in threads). It asks, in this order: what the thread that started it has announced; the
 * environment that the process was started with; whether the directory exists that its process would have as a worker.
 */
import { createHash } from 'node:crypto';
import cluster from 'node:cluster';
import { accessSync, constants, existsSync, lstatSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import { currentMachine, processStartTime } from './identity.js';
import { type Pm2App, pm2AppOf } from './pm2-app.js';

export type DirectoryOrigin = 'env' | 'pm2' | 'cluster' | 'thread';

export interface LocatedDirectory {
  readonly dir: string;
  readonly origin: DirectoryOrigin;
  /** Whether this package chose the path: such a directory must be ours and private. */
  readonly derived: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The directory of this process; undefined for one that is neither under PM2 nor in a cluster nor a worker thread, nor
 * was told of a directory. Makes nothing.
 */
export function locateDirectory(env: Environment = process.env): LocatedDirectory | undefined {
  if (!isMainThread) return threadLocation(env);
  return namedDirectory(env) ?? pm2Directory(env) ?? clusterDirectory(env);
}

/** The directory of this process as the primary of a cluster, before or after it has forked. */
export function primaryDirectory(env: Environment = process.env): LocatedDirectory {
  return locateDirectory(env) ?? processDirectory('cluster', process.pid, env);
}

/**
 * The directory that the worker threads of this process use. A main thread that counts in memory joins it when it
 * appears.
 */
export function threadDirectory(env: Environment = process.env): LocatedDirectory {
  return locateDirectory(env) ?? processDirectory('thread', process.pid, env);
}

const ANNOUNCEMENT = 'prom-multiproc.directory';

/**
 * Tells the worker threads that this thread starts from now on which directory their process counts in. To be called by
 * who counts there, not by a mere reader.
 */
export function announceDirectory(located: LocatedDirectory): void {
  setEnvironmentData(ANNOUNCEMENT, { ...located });
}

function threadLocation(env: Environment): LocatedDirectory {
  const named = namedDirectory(env);
  if (named !== undefined) return named;
  const announced = getEnvironmentData(ANNOUNCEMENT) as unknown as LocatedDirectory | undefined;
  if (announced !== undefined) return announced;
  const initial = initialEnvironment();
  const all = { ...initial, ...env };
  return (
    namedDirectory(all) ??
    pm2Directory(all) ??
    (all.NODE_UNIQUE_ID === undefined ? undefined : processDirectory('cluster', primaryPid(), all)) ??
    existing(initial === undefined ? processDirectory('cluster', primaryPid(), all) : undefined) ??
    processDirectory('thread', process.pid, all)
  );
}

function namedDirectory(env: Environment): LocatedDirectory | undefined {
  const named = env.PROMETHEUS_MULTIPROC_DIR;
  if (named === undefined || named === '') return undefined;
  const dir = resolve(named);
  // setupPrimary hands a derived directory on in the variable; it does not become less private by that.
  return { dir, origin: 'env', derived: DERIVED_NAME.test(dir) };
}

function pm2Directory(env: Environment): LocatedDirectory | undefined {
  const app = pm2AppOf(env);
  return app === undefined ? undefined : pm2AppDirectory(app, env);
}

/** The directory of a PM2 app, which every process can name that knows the app. */
export function pm2AppDirectory(app: Pm2App, env: Environment = process.env): LocatedDirectory {
  const { home, namespace, name, script } = app;
  return derivedDirectory('pm2', [home, namespace, name, script], pm2BaseDirectory(env));
}

function clusterDirectory(env: Environment): LocatedDirectory | undefined {
  if (cluster.isWorker) return processDirectory('cluster', primaryPid(), env);
  const hasForked = Object.keys(cluster.settings ?? {}).length > 0;
  return hasForked ? processDirectory('cluster', process.pid, env) : undefined;
}

let firstParentPid: number | undefined;

/** Of a worker. Kept from the first call, for the parent of a worker that outlives its primary is another process. */
function primaryPid(): number {
  firstParentPid ??= process.ppid;
  return firstParentPid;
}

/** After whom pid and start time name: the boot and the namespace keep a reboot and another container apart. */
function processDirectory(origin: DirectoryOrigin, pid: number, env: Environment): LocatedDirectory {
  const { bootId, pidNamespace } = currentMachine();
  return derivedDirectory(origin, ['process', bootId, pidNamespace, pid, processStartTime(pid)], baseDirectory(env));
}

/** `uid` is the effective one, as it is the one that owns new files. */
const DERIVED_NAME = /[/\\]prom-multiproc-(\d+|none)-[0-9a-f]{16}$/;

/** What the names of this user's derived directories begin with. */
export function derivedPrefix(): string {
  return `prom-multiproc-${process.geteuid?.() ?? 'none'}-`;
}

function derivedDirectory(origin: DirectoryOrigin, parts: readonly unknown[], base: string): LocatedDirectory {
  const uid = process.geteuid?.() ?? 'none';
  const digest = createHash('sha256')
    .update(JSON.stringify([uid, ...parts]))
    .digest('hex');
  return { dir: join(base, derivedPrefix() + digest.slice(0, 16)), origin, derived: true };
}

/** systemd's default boundary (SYSTEM_UID_MAX): RemoveIPC leaves /dev/shm alone below it. */
const FIRST_LOGIN_UID = 1000;

/**
 * Where derived directories are made. /dev/shm for system users and in containers, because a mapped page of a file on a
 * disk can stall its writer during write-back; the temporary directory for login users, because systemd empties their
 * /dev/shm when they log out.
 */
export function baseDirectory(env: Environment = process.env): string {
  return sharedMemory(env) ?? temporaryDirectory(env);
}

/**
 * The same for a PM2 app, but /tmp whatever TMPDIR says: it comes from the shell that `pm2 start`, `pm2 reload` or `pm2
 * update` was typed in, and would part the new instances from the old ones and their counts (nix-shell and some editors'
 * terminals set it).
 */
export function pm2BaseDirectory(env: Environment = process.env): string {
  return sharedMemory(env) ?? (isWritableDirectory('/tmp') ? '/tmp' : temporaryDirectory(env));
}

function sharedMemory(env: Environment): string | undefined {
  const uid = process.geteuid?.();
  const isKept = uid !== undefined && (uid < FIRST_LOGIN_UID || inContainer(env));
  return isKept && isWritableDirectory('/dev/shm') ? '/dev/shm' : undefined;
}

function inContainer(env: Environment): boolean {
  return (
    env.KUBERNETES_SERVICE_HOST !== undefined ||
    existsSync('/.dockerenv') ||
    existsSync('/run/.containerenv') ||
    /docker|kubepods|containerd|libpod|lxc/.test(contents('/proc/1/cgroup'))
  );
}

/** os.tmpdir(), but of this environment: a thread with an empty one must arrive where its process does. */
function temporaryDirectory(env: Environment): string {
  if (process.platform === 'win32') {
    return resolve(env.TEMP || env.TMP || join(env.SystemRoot || env.windir || 'C:\\Windows', 'temp'));
  }
  return resolve(env.TMPDIR || env.TMP || env.TEMP || '/tmp');
}

function isWritableDirectory(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return lstatSync(path).isDirectory();
  } catch {
    return false;
  }
}

function existing(located: LocatedDirectory | undefined): LocatedDirectory | undefined {
  return located !== undefined && existsSync(located.dir) ? located : undefined;
}

/**
 * What the process was started with. Linux keeps it, whatever became of process.env since: node:cluster takes
 * NODE_UNIQUE_ID out. Undefined where it cannot be read, as after setuid(2).
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

function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
