import cluster from 'node:cluster';
import { inspect } from 'node:util';
import {
  announceDirectory,
  type ChosenDirectory,
  chooseAsPrimary,
  chooseOption,
  handToWorkers,
} from '../directory/choose.js';
import { markProcessDead } from '../directory/mark-dead.js';
import { type DirectoryPermissions, type OpenedDirectory, openDirectory } from '../directory/open-directory.js';
import { emptyDirectory } from '../directory/sweep.js';
import { describeError, invalidArgument, PromMultiprocError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { maintainStore } from '../storage/process-store.js';
import { SETTINGS } from '../storage/settings.js';
import { numberWorkers } from './worker-label.js';

export interface SetupPrimaryOptions extends DirectoryPermissions {
  /** The directory for the files of this cluster. Default: PROMETHEUS_MULTIPROC_DIR, or one that is derived from this process. */
  readonly dir?: string;
  /** Empties the directory first, if no living process uses it. The counts of dead processes in it are lost then. */
  readonly clean?: boolean;
  /** Maximum size of each worker's file in bytes. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Maximum number of series of each process, and of each metric in it. Default 500,000 and 100,000. */
  readonly maxSeries?: number;
  readonly maxSeriesPerMetric?: number;
}

let held: OpenedDirectory | undefined;
let listens = false;

/**
 * Prepares the primary of a cluster before it forks: makes the directory, passes it to the workers and to no other child
 * processes, and marks workers as dead when they exit.
 *
 * Without this call the workers use a directory that is derived from the primary; the call adds the options.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED; with `clean`, ERR_DIRECTORY_IN_USE; ERR_INVALID_ARGUMENT in a worker,
 *   or where an option is not a path or a number.
 *   Other problems, such as a full disk, are logged once, and the processes then count in memory.
 */
export function setupPrimary(options: SetupPrimaryOptions = {}): { dir: string } {
  if (cluster.isWorker) {
    throw invalidArgument('setupPrimary is for the primary: call it where you fork');
  }
  assertWholeNumbers(options);
  const chosen = options.dir === undefined ? chooseAsPrimary() : chooseOption(options.dir);
  if (options.clean === true) emptyDirectory(chosen.dir);
  enter(chosen, options);
  handToWorkers(chosen);
  announceDirectory(chosen);
  exportSettings(options);
  // metrics that this process has made before move into the directory
  maintainStore();
  if (!listens) {
    listens = true;
    numberWorkers();
    cluster.on('exit', ({ process: { pid } }) => {
      if (pid !== undefined) markProcessDead(pid);
    });
  }
  return { dir: chosen.dir };
}

/** Refuses wrong numbers here, since each worker would only warn and ignore them. */
function assertWholeNumbers(options: SetupPrimaryOptions): void {
  for (const option of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
    const value = options[option];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw invalidArgument(`${option} ${inspect(value)} is not a whole number of 0 or more`);
  }
}

function enter(chosen: ChosenDirectory, permissions: DirectoryPermissions): void {
  if (held?.dir === chosen.dir) return;
  try {
    const opened = openDirectory(chosen, permissions);
    for (const warning of opened.warnings) warnOnce(`directory ${warning}`, warning);
    held?.close();
    held = opened;
  } catch (error) {
    if (error instanceof PromMultiprocError) throw error;
    warnOnce(`open ${chosen.dir}`, `${JSON.stringify(chosen.dir)} cannot be used: ${describeError(error)}`);
  }
}

function exportSettings(options: SetupPrimaryOptions): void {
  for (const [option, name] of Object.entries(SETTINGS)) {
    const value = options[option as keyof typeof SETTINGS];
    if (value === undefined) continue;
    process.env[name] = option.endsWith('Mode') ? value.toString(8) : String(value);
  }
}
