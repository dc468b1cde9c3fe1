/**
 * The paths of directories that this package chooses itself: a private directory of this user, whose name is derived from
 * properties that its processes share, so that each of them finds it without a message from another.
 */
import { createHash } from 'node:crypto';
import { accessSync, constants, existsSync, lstatSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { contents } from '../metrics-file/open-file.js';
import { completed } from '../time-slices.js';
import { currentMachine, processStartTime } from './identity.js';
import type { Environment, Pm2App } from './pm2-app.js';
import { namesIn } from './scan.js';

/** The directory of a process is marked as such, because nothing uses it after the process and its children have ended. */
const PROCESS_MARK = 'process-';
const DERIVED_NAME = /[/\\]prom-multiproc-(?:\d+|none)-(process-)?[0-9a-f]{16}$/;

/** Whether a path has the form of a derived directory, whatever source names it. */
export function isDerivedPath(dir: string): boolean {
  return DERIVED_NAME.test(dir);
}

/** Whether a path is the derived directory of a process, which is not used again after a restart. */
export function isProcessPath(dir: string): boolean {
  return DERIVED_NAME.exec(dir)?.[1] !== undefined;
}

/** `uid` is the effective one, because new files belong to that user. */
function derivedPrefix(): string {
  return `prom-multiproc-${process.geteuid?.() ?? 'none'}-`;
}

/** The directory of a PM2 app, which every process that knows the app can name. */
export function pm2AppPath({ home, namespace, name, script }: Pm2App, env: Environment): string {
  return derivedPath(pm2BaseDirectory(env), '', [home, namespace, name, script]);
}

/**
 * The directory of a process, for its cluster workers and threads. Boot id and namespace keep it different after a reboot
 * and in another container.
 */
export function processPath(pid: number, env: Environment): string {
  const { bootId, pidNamespace } = currentMachine();
  return derivedPath(baseDirectory(env), PROCESS_MARK, [bootId, pidNamespace, pid, processStartTime(pid)]);
}

/** The directories of this user's applications, in every base directory that this environment allows. */
export function derivedDirectories(env: Environment): string[] {
  const bases = [...new Set([baseDirectory(env), pm2BaseDirectory(env)])];
  return bases
    .flatMap((base) => completed(derivedDirectoriesIn(base)))
    .filter((path) => lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
}

const NAMES_PER_STEP = 256;

/** Paths in a base directory that have the form of a derived directory of this user. Empty where it cannot be read. */
export function* derivedDirectoriesIn(base: string): Generator<void, string[]> {
  const found: string[] = [];
  let names = 0;
  try {
    for (const name of namesIn(base, NAMES_PER_STEP)) {
      const path = join(base, name);
      if (name.startsWith(derivedPrefix()) && isDerivedPath(path)) found.push(path);
      if (++names % NAMES_PER_STEP === 0) yield;
    }
  } catch {
    // a directory that may not be read
  }
  return found.toSorted();
}

function derivedPath(base: string, mark: string, parts: readonly unknown[]): string {
  const uid = process.geteuid?.() ?? 'none';
  const digest = createHash('sha256')
    .update(JSON.stringify([uid, ...parts]))
    .digest('hex');
  return join(base, derivedPrefix() + mark + digest.slice(0, 16));
}

/** systemd's default boundary (SYSTEM_UID_MAX): RemoveIPC does not clean /dev/shm for users below it. */
const FIRST_LOGIN_UID = 1000;

/**
 * The base of derived directories: /dev/shm for system users and in containers, because a mapped page of a file on a disk
 * can stall its writer during write-back; the temporary directory for login users, because systemd empties their /dev/shm
 * when they log out.
 */
function baseDirectory(env: Environment): string {
  return sharedMemory(env) ?? temporaryDirectory(env);
}

/**
 * The same for a PM2 app, but with /tmp whatever TMPDIR is. TMPDIR comes from the shell that `pm2 start`, `pm2 reload` or
 * `pm2 update` was typed in, and would separate new instances from the old ones and their counts (nix-shell and some
 * editors' terminals set it).
 */
function pm2BaseDirectory(env: Environment): string {
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

/** os.tmpdir(), but for this environment: a thread with an empty environment must find the same directory as its process. */
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
