import cluster from 'node:cluster';
import { resolve } from 'node:path';
import { inspect } from 'node:util';
import { type LocatedDirectory, primaryDirectory } from '../directory/locate.js';
import { markProcessDead } from '../directory/mark-dead.js';
import { type DirectoryPermissions, type OpenedDirectory, openDirectory } from '../directory/open-directory.js';
import { emptyDirectory } from '../directory/sweep.js';
import { describeError, PromMultiprocError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { tendStore } from '../storage/process-store.js';
import { SETTINGS } from '../storage/settings.js';

export interface SetupPrimaryOptions extends DirectoryPermissions {
  /** The directory that this cluster's processes count in. Default: PROMETHEUS_MULTIPROC_DIR, or one derived from this process. */
  readonly dir?: string;
  /** Empties the directory first, if no living process uses it. What dead processes counted there is gone then. */
  readonly clean?: boolean;
  /** Most bytes of each worker's file. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Most series of each process, and of each metric in it. Default 500,000 and 100,000. */
  readonly maxSeries?: number;
  readonly maxSeriesPerMetric?: number;
}

let held: OpenedDirectory | undefined;
let listens = false;

/**
 * Sets a cluster's primary up, before it forks: makes the directory, tells the workers of it through
 * PROMETHEUS_MULTIPROC_DIR, and marks workers dead when they exit.
 *
 * Without it workers find a directory by themselves, derived from the primary; what this adds is the options.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED; with `clean`, ERR_DIRECTORY_IN_USE; ERR_INVALID_ARGUMENT in a worker,
 *   or for an option that is no path or number.
 *   Other trouble, such as a full disk, is said once: the processes count in memory then.
 */
export function setupPrimary(options: SetupPrimaryOptions = {}): { dir: string } {
  if (cluster.isWorker) {
    throw new PromMultiprocError('ERR_INVALID_ARGUMENT', 'setupPrimary is for the primary: call it where you fork');
  }
  assertWholeNumbers(options);
  const located = options.dir === undefined ? primaryDirectory() : namedDirectory(options.dir);
  if (options.clean === true) emptyDirectory(located.dir);
  enter(located, options);
  process.env.PROMETHEUS_MULTIPROC_DIR = located.dir;
  exportSettings(options);
  // metrics that this process made before move in
  tendStore();
  if (!listens) {
    listens = true;
    cluster.on('exit', ({ process: { pid } }) => {
      if (pid !== undefined) markProcessDead(pid, { dir: process.env.PROMETHEUS_MULTIPROC_DIR });
    });
  }
  return { dir: located.dir };
}

/** Workers would pass a wrong one over, each with a warning, and go on without it. */
function assertWholeNumbers(options: SetupPrimaryOptions): void {
  for (const option of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
    const value = options[option];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `${option} ${inspect(value)} is no whole number from 0 up`);
  }
}

/** Absolute, for workers may have another working directory. */
function namedDirectory(dir: unknown): LocatedDirectory {
  if (typeof dir === 'string' && dir !== '') return { dir: resolve(dir), origin: 'env', derived: false };
  throw new PromMultiprocError(
    'ERR_INVALID_ARGUMENT',
    `dir ${inspect(dir)} is no path: name a directory, or leave it out`,
  );
}

function enter(located: LocatedDirectory, permissions: DirectoryPermissions): void {
  if (held?.dir === located.dir) return;
  try {
    const opened = openDirectory(located, permissions);
    for (const warning of opened.warnings) warnOnce(`directory ${warning}`, warning);
    held?.close();
    held = opened;
  } catch (error) {
    if (error instanceof PromMultiprocError) throw error;
    warnOnce(`open ${located.dir}`, `${JSON.stringify(located.dir)} cannot be used: ${describeError(error)}`);
  }
}

function exportSettings(options: SetupPrimaryOptions): void {
  for (const [option, name] of Object.entries(SETTINGS)) {
    const value = options[option as keyof typeof SETTINGS];
    if (value === undefined) continue;
    process.env[name] = option.endsWith('Mode') ? value.toString(8) : String(value);
  }
}
