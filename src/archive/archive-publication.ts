/** How an archive comes into a directory, and the ones below it go. fold.ts tells why it is done in this order. */
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
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { describeError } from '../errors.js';
import { createAside } from '../metrics-file/own-file.js';
import type { ArchiveBytes } from './archive-bytes.js';
import { openArchive, proveArchive } from './archive-file.js';
import {
  type ArchiveName,
  archiveName,
  archiveTemporaryName,
  type DataFileName,
  generationOfTemporary,
} from '../directory/file-name.js';
import { scanDirectory } from '../directory/scan.js';

/** What tells who is to read an archive. */
export interface ArchivePermissions {
  readonly fileMode?: number;
  readonly group?: number;
  /** Of the files whose counts it has. */
  readonly sources: readonly Stats[];
  /** Hears what could not be done. */
  readonly notice: (text: string) => void;
}

/** The next number that is free: the number of an archive that does not count is no reason to jump. */
export function nextGeneration(newest: number, archives: readonly ArchiveName[]): number {
  const taken = new Set(archives.map(({ generation }) => generation));
  let next = newest + 1;
  while (taken.has(next)) next++;
  return next;
}

/**
 * Writes an archive aside and links it to its name.
 *
 * @param before the archives that were there, and of them the one that it was made from
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
    // ENOENT: a folder that published meanwhile has taken the temporary for a leftover, which it is
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
 * Removes what an archive has made useless: lower generations, and what is left of folders that were killed on the way to
 * one. From the lowest up: whoever finds the lowest gone knows that it is not the newest any more. One that is damaged or
 * not believed stays.
 *
 * @param whole the name of one that was read a moment ago
 * @param temporariesUpTo the generation up to which nobody is preparing an archive that could count
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

/** Whether an archive was linked after a higher one had been there. One that was passed over before is none. */
function isSuperseded(
  dir: string,
  generation: number,
  { base, archives }: Parameters<typeof publishArchive>[2],
): boolean {
  if (base !== undefined && !existsSync(join(dir, base.name))) return true;
  const passedOver = new Set(archives.map(({ name }) => name));
  return scanDirectory(dir).archives.some((other) => other.generation > generation && !passedOver.has(other.name));
}

/** Who could read the files of the dead, and the archive before, is to read this one. */
function admitReaders(fd: number, dir: string, { fileMode = 0o600, group, sources, notice }: ArchivePermissions): void {
  const common = (of: (stats: Stats) => number): number | undefined =>
    sources.every((stats) => of(stats) === of(sources[0])) ? of(sources[0]) : undefined;
  const made = fstatSync(fd);
  // root may give the file to the user whose processes counted; another may give it to a group of its own at most
  const isRoot = process.geteuid?.() === 0;
  const uid = isRoot ? (common((stats) => stats.uid) ?? lstatSync(dir).uid) : made.uid;
  const gid = group ?? common((stats) => stats.gid) ?? made.gid;
  try {
    if (uid !== made.uid || gid !== made.gid) fchownSync(fd, uid, gid);
  } catch (error) {
    // a group that nobody asked for is given where that can be done
    if (isRoot || group !== undefined) {
      notice(
        `the archive in ${JSON.stringify(dir)} cannot be given to uid ${uid}, gid ${gid}: ${describeError(error)}`,
      );
    }
  }
  // never the bits that let write: a file that others may write must not make them writers of everything
  const readable = sources.reduce((bits, { mode }) => bits | (mode & 0o444), 0);
  fchmodSync(fd, fileMode | readable);
}

export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // gone, or not permitted: readers pass it over
  }
}

/** So that a power cut does not bring back what is unlinked from here on, without the archive. */
function syncDirectory(dir: string): void {
  try {
    const fd = openSync(dir, constants.O_RDONLY);
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch {
    // Windows cannot open directories
  }
}
