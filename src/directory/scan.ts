/** The contents of a metrics directory, by name only. */
import { opendirSync, statfsSync, statSync } from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import { isNetworkFileSystem } from '../metrics-file/mapping.js';
import { completed } from '../time-slices.js';
import {
  type ArchiveName,
  type DataFileName,
  isPushLockName,
  isTemporaryName,
  parseArchiveName,
  parseDataFileName,
} from './file-name.js';

/** The names of a directory, by the kind of their files. */
export interface DirectoryScan {
  readonly dataFiles: readonly DataFileName[];
  /** Newest first. */
  readonly archives: readonly ArchiveName[];
  /** Files that a process is creating, or has left when it was killed. */
  readonly temporaries: readonly string[];
  readonly pushes: readonly string[];
  /** By FOREIGN_ENDINGS. */
  readonly foreign: readonly string[];
}

/** A scan that is not complete. */
type Names = { readonly [Kind in keyof DirectoryScan]: DirectoryScan[Kind][number][] };

/** client_python's files end in `.db`. */
const FOREIGN_ENDINGS = ['.db'];
const NAMES_PER_STEP = 512;

/**
 * Lists a directory once. A directory that does not exist (yet) is empty.
 *
 * @throws {PromMultiprocError} ERR_PERMISSION, or ERR_DIRECTORY_REFUSED where it is not a directory
 * @throws {NodeJS.ErrnoException} other errors of readdir(3)
 */
export function scanDirectory(dir: string): DirectoryScan {
  return completed(scanInSteps(dir));
}

/** The same, with a pause after every few hundred names. Throws as `scanDirectory` does. */
export function* scanInSteps(dir: string): Generator<void, DirectoryScan> {
  const known = knownState(dir);
  if (known?.scan !== undefined) return known.scan;
  const startedAt = performance.now();
  const scan: Names = { dataFiles: [], archives: [], temporaries: [], pushes: [], foreign: [] };
  let names = 0;
  try {
    for (const name of namesIn(dir, NAMES_PER_STEP)) {
      addName(name, scan);
      if (++names % NAMES_PER_STEP === 0) yield;
    }
  } catch (error) {
    assertMissing(dir, error);
  }
  scan.archives.sort((a, b) => b.generation - a.generation);
  remember(scan, names, dir, known, startedAt);
  return scan;
}

/** Lists a directory, as many names at a time. @throws {NodeJS.ErrnoException} the errors of opendir(3) and readdir(3) */
export function* namesIn(dir: string, bufferSize: number): Generator<string, void> {
  const listing = opendirSync(dir, { bufferSize });
  try {
    for (let entry = listing.readSync(); entry !== null; entry = listing.readSync()) yield entry.name;
  } finally {
    listing.closeSync();
  }
}

function addName(name: string, scan: Names): void {
  const dataFile = parseDataFileName(name);
  const archive = dataFile === undefined ? parseArchiveName(name) : undefined;
  if (dataFile !== undefined) scan.dataFiles.push(dataFile);
  else if (archive !== undefined) scan.archives.push(archive);
  else if (isTemporaryName(name)) scan.temporaries.push(name);
  else if (isPushLockName(name)) scan.pushes.push(name);
  else if (FOREIGN_ENDINGS.some((ending) => name.endsWith(ending))) scan.foreign.push(name);
}

/** A state of a directory: its times change whenever a name is added or removed. */
interface DirectoryState {
  readonly dir: string;
  readonly times: string;
  /** `performance.now()` when this state was first seen. */
  readonly seenAt: number;
  scan: DirectoryScan | undefined;
}

/**
 * With at least this many names a scan is remembered (100,000 names of another program took 50 ms in each of three listings
 * per scrape).
 */
const LARGE = 2000;
/** The kernel dates changes by its last tick: a state that is older than this is complete. */
const TICK_MS = 50;

/** State of the directory that was last found large: an application has one. */
let large: DirectoryState | undefined;

/** The present state of a directory that was found large. */
function knownState(dir: string): DirectoryState | undefined {
  if (large?.dir !== dir) return undefined;
  const times = timesOf(dir);
  if (times !== large.times) large = { dir, times, seenAt: performance.now(), scan: undefined };
  return large;
}

/** @param known the state before the scan, which began at `startedAt` */
function remember(
  scan: DirectoryScan,
  names: number,
  dir: string,
  known: DirectoryState | undefined,
  startedAt: number,
): void {
  if (names < LARGE) {
    if (large?.dir === dir) large = undefined;
  } else if (known === undefined) {
    if (datesEveryChange(dir)) large = { dir, times: timesOf(dir), seenAt: performance.now(), scan: undefined };
  } else if (startedAt - known.seenAt > TICK_MS) {
    known.scan = scan;
  }
}

function timesOf(dir: string): string {
  const stats = statSync(dir, { throwIfNoEntry: false });
  return stats === undefined ? '' : [stats.dev, stats.ino, stats.mtimeMs, stats.ctimeMs].join();
}

/** False where another host may change the directory: cached times there depend on when they were asked for. */
function datesEveryChange(dir: string): boolean {
  return process.platform === 'linux' && !isNetworkFileSystem(statfsSync(dir).type);
}

/** @throws the error for a directory that exists but cannot be listed */
function assertMissing(dir: string, error: unknown): void {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'ENOENT':
      return;
    case 'EACCES':
    case 'EPERM':
      throw new PromMultiprocError(
        'ERR_PERMISSION',
        `The metrics directory ${JSON.stringify(dir)} may not be read by this user ` +
          `(uid ${process.geteuid?.() ?? 'unknown'}): run as the user of the workers, or give the directory a dirMode ` +
          'and a group that let this user read it',
        { cause: error },
      );
    case 'ENOTDIR':
      throw new PromMultiprocError(
        'ERR_DIRECTORY_REFUSED',
        `${JSON.stringify(dir)} is not a directory: name another one in PROMETHEUS_MULTIPROC_DIR`,
        { cause: error },
      );
    default:
      throw error;
  }
}
