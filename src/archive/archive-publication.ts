/** Publishes an archive in a directory, and removes the ones below it. fold.ts has the reasons for the order of steps. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../errors.js';
import { whileOpen } from '../metrics-file/open-file.js';
import { createAside } from '../metrics-file/own-file.js';
import { type ArchiveBytes, openArchive, proveArchive } from './archive-file.js';
import {
  type ArchiveName,
  archiveName,
  archiveTemporaryName,
  type DataFileName,
  generationOfTemporary,
} from '../directory/file-name.js';
import type { FilePermissions } from '../directory/lock-file.js';
import { scanDirectory } from '../directory/scan.js';
import { unlinkQuietly } from './unlink-quietly.js';

/** Decides which users can read an archive. */
export interface ArchivePermissions extends FilePermissions {
  /** Status of the files whose counts it contains. */
  readonly sources: readonly Stats[];
  /** Receives a message about each step that failed. */
  readonly notice: (text: string) => void;
}

/** The next free number. It ignores the number of an archive that does not count. */
export function nextGeneration(newest: number, archives: readonly ArchiveName[]): number {
  const taken = new Set(archives.map(({ generation }) => generation));
  let next = newest + 1;
  while (taken.has(next)) next++;
  return next;
}

/**
 * Writes an archive under a temporary name and links it to its own name.
 *
 * @param before the archives that existed, and the one among them that this one was made from
 * @returns the size of the file; or 'superseded', where this is not the archive that counts
 * @throws {BadFileError} where the archive would not be readable; the system's error; both with nothing left behind
 */
export function publishArchive(
  dir: string,
  generation: number,
  before: { readonly base: ArchiveName | undefined; readonly archives: readonly ArchiveName[] },
  bytes: ArchiveBytes,
  permissions: ArchivePermissions,
  onStep: ((step: 'temporary written' | 'published') => void) | undefined,
): number | 'superseded' {
  const temporary = join(dir, archiveTemporaryName(generation, randomBytes(8).toString('hex')));
  const fd = createAside({ temporaryPath: temporary, mode: permissions.fileMode });
  let sizeBytes: number;
  try {
    bytes.writeTo(fd);
    admitReaders(fd, dir, permissions);
    fsyncSync(fd);
    sizeBytes = fstatSync(fd).size;
    proveArchive(temporary, { name: archiveName(generation), generation });
    onStep?.('temporary written');
    linkSync(temporary, join(dir, archiveName(generation)));
  } catch (error) {
    // ENOENT: another fold has published meanwhile, and removed this temporary file as a leftover, which it was by then
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' || code === 'ENOENT') return 'superseded';
    throw error;
  } finally {
    closeSync(fd);
    unlinkQuietly(temporary);
  }
  syncDirectory(dir);
  onStep?.('published');
  return isSuperseded(dir, generation, before) ? 'superseded' : sizeBytes;
}

/**
 * Removes files that an archive has replaced: lower generations, and temporary files of killed folds. It starts with the
 * lowest generation: a process that does not find the lowest knows that it is no longer the newest. Archives that are
 * damaged or not trusted stay.
 *
 * @param whole the name of one that was read a moment ago
 * @param temporariesUpTo the generation up to which no process is preparing an archive that could count
 */
export function removeLowerArchives(
  dir: string,
  generation: number,
  whole: string | undefined,
  temporariesUpTo: number,
  onStep: ((step: 'generation unlinked') => void) | undefined,
): void {
  const { archives, temporaries, dataFiles } = scanDirectory(dir);
  for (const archive of archives.toReversed()) {
    if (archive.generation >= generation) break;
    if (archive.name !== whole && !counts(dir, archive, dataFiles)) continue;
    unlinkQuietly(join(dir, archive.name));
    onStep?.('generation unlinked');
  }
  for (const name of temporaries) {
    const other = generationOfTemporary(name);
    if (other !== undefined && other <= temporariesUpTo) unlinkQuietly(join(dir, name));
  }
}

function counts(dir: string, name: ArchiveName, dataFiles: readonly DataFileName[]): boolean {
  try {
    openArchive(dir, name, dataFiles).reader.close();
    return true;
  } catch {
    return false;
  }
}

/** Whether an archive was linked after a higher one had existed. Archives that were ignored before do not count. */
function isSuperseded(
  dir: string,
  generation: number,
  { base, archives }: Parameters<typeof publishArchive>[2],
): boolean {
  if (base !== undefined && !existsSync(join(dir, base.name))) return true;
  const passedOver = new Set(archives.map(({ name }) => name));
  return scanDirectory(dir).archives.some((other) => other.generation > generation && !passedOver.has(other.name));
}

/** Users that could read the files of dead processes, and the archive before, must be able to read this one. */
function admitReaders(fd: number, dir: string, { fileMode = 0o600, group, sources, notice }: ArchivePermissions): void {
  const common = (of: (stats: Stats) => number): number | undefined =>
    sources.every((stats) => of(stats) === of(sources[0])) ? of(sources[0]) : undefined;
  const made = fstatSync(fd);
  // root may give the file to the user of the counted processes; another user at most to one of its own groups
  const isRoot = process.geteuid?.() === 0;
  const uid = isRoot ? (common((stats) => stats.uid) ?? lstatSync(dir).uid) : made.uid;
  const gid = group ?? common((stats) => stats.gid) ?? made.gid;
  try {
    if (uid !== made.uid || gid !== made.gid) fchownSync(fd, uid, gid);
  } catch (error) {
    // a group that no option has asked for is set where that is possible
    if (isRoot || group !== undefined) {
      notice(
        `the archive in ${JSON.stringify(dir)} cannot be given to uid ${uid}, gid ${gid}: ${describeError(error)}`,
      );
    }
  }
  // never write permission: a process that may write one of the files must not be able to write all counts
  const readable = sources.reduce((bits, { mode }) => bits | (mode & 0o444), 0);
  fchmodSync(fd, fileMode | readable);
}

/** Makes the archive durable, so that after a power failure the files removed below are not back without it. */
function syncDirectory(dir: string): void {
  try {
    whileOpen(openSync(dir, constants.O_RDONLY), fsyncSync);
  } catch {
    // Windows cannot open directories
  }
}
