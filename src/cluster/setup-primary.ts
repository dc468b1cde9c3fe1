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
import { describeError, PromMultiprocError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { maintainStore } from '../storage/process-store.js';
import { SETTINGS } from '../storage/settings.js';
import { numberWorkers } from './worker-label.js';

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
 * Sets a cluster's primary up, before it forks: makes the directory, hands it to the workers, and to them alone, and marks
 * workers dead when they exit.
 *
 * Without it workers find a directory by themselves, derived from the primary; what this adds is the options.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED; with `clean`, ERR_DIRECTORY_IN_USE; ERR_INVALID_ARGUMENT in a worker,
 *   or for an option that is no path or number.
 *   Other trouble, such as a full disk, is logged once: the processes count in memory then.
 */
export function setupPrimary(options: SetupPrimaryOptions = {}): { dir: string } {
  if (cluster.isWorker) {
    throw new PromMultiprocError('ERR_INVALID_ARGUMENT', 'setupPrimary is for the primary: call it where you fork');
  }
  assertWholeNumbers(options);
  const chosen = options.dir === undefined ? chooseAsPrimary() : chooseOption(options.dir);
  if (options.clean === true) emptyDirectory(chosen.dir);
  enter(chosen, options);
  handToWorkers(chosen);
  announceDirectory(chosen);
  exportSettings(options);
  // metrics that this process made before move in
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

/** Workers would pass a wrong one over, each with a warning, and go on without it. */
function assertWholeNumbers(options: SetupPrimaryOptions): void {
  for (const option of Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]) {
    const value = options[option];
    if (value === undefined || (Number.isSafeInteger(value) && value >= 0)) continue;
    throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `${option} ${inspect(value)} is no whole number from 0 up`);
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
