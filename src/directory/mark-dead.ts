/** Marks a process as ended; exit hooks call it. */
import { constants, fstatSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { invalidArgument, shownValue } from '../errors.js';
import { type Header, withHeader } from '../metrics-file/header.js';
import { FileState, HEADER } from '../metrics-file/layout.js';
import { openFile, whileOpen } from '../metrics-file/open-file.js';
import { type DataFileName, isNamedAfter } from './file-name.js';
import { sameMachine } from './identity.js';
import { type Liveness, probeLiveness } from './liveness.js';
import { chooseAsPrimary } from './choose.js';
import { scanDirectory } from './scan.js';

/** Number of a process's files (one per thread) by state. */
export interface MarkResult {
  readonly pid: number;
  /** Files whose writers are dead. */
  readonly marked: number;
  /** Files that were not changed because their writers are alive. */
  readonly living: number;
  /** Files that were not changed because this process cannot read them, or cannot find out whether their writers are alive. */
  readonly unknown: number;
}

/**
 * Records that a process has ended. Where the kernel holds a lock for each file and releases it when the writer dies,
 * nothing is written, and the result is what the locks show. Files of a living process are not changed. Files without such
 * a lock are marked, so that readers on other machines know too, and that the process did not end normally.
 * Trouble with the directory or a file never throws: the file counts as `unknown`, or no file is found.
 *
 * @param options.dir default: the directory that this process counts in, or would as the primary of a cluster
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the pid is not a positive integer
 */
export function markProcessDead(pid: number, options: { readonly dir?: string } = {}): MarkResult {
  if (!Number.isSafeInteger(pid) || pid < 1) {
    throw invalidArgument(
      `markProcessDead got ${shownValue(pid)}: give it the process id of the worker that ended, a positive integer ` +
        "(in cluster.on('exit', (worker) => ...) that is worker.process.pid)",
    );
  }
  const found = { live: 0, dead: 0, unknown: 0 };
  for (const { path, name } of dataFilesOf(pid, options.dir)) found[markFile(path, name)]++;
  return { pid, marked: found.dead, living: found.live, unknown: found.unknown };
}

function dataFilesOf(pid: number, dir: string | undefined): { path: string; name: DataFileName }[] {
  try {
    const directory = dir ?? chooseAsPrimary().dir;
    return scanDirectory(directory)
      .dataFiles.filter((name) => name.pid === pid)
      .map((name) => ({ path: join(directory, name.name), name }));
  } catch {
    return [];
  }
}

function markFile(path: string, name: DataFileName): Liveness {
  try {
    return withHeader(path, (header, fd) => {
      if (!isNamedAfter(name, header.identity)) return 'unknown';
      const liveness = probeLiveness(fd, header);
      if (liveness === 'dead' && needsMark(header)) markDead(path, fstatSync(fd).ino);
      return liveness;
    });
  } catch (error) {
    // Folded between the listing and now: its writer was dead.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'dead' : 'unknown';
  }
}

/** Without a lock, other machines see the end of a process by this state only. */
function needsMark({ identity, state }: Header): boolean {
  return identity.liveness === 'heartbeat' && state === FileState.Open && sameMachine(identity);
}

function markDead(path: string, inode: number): void {
  try {
    whileOpen(openFile(path, constants.O_WRONLY), (fd) => {
      if (fstatSync(fd).ino === inode) writeSync(fd, new Uint32Array([FileState.Dead]), 0, 4, HEADER.state);
    });
  } catch {
    // Not permitted: other processes find out by the heartbeat.
  }
}
