/**
 * Folding: the counts of dead processes go into one archive, so that reading costs the same after 10,000 processes as
 * after 10. What is on disk after each step, and what a folder that dies there leaves:
 *
 *   1. locked                    fold-lock.ts                       nothing
 *   2. archive read              generation g, whole                nothing
 *   3. files read                of the dead                        nothing
 *   4. temporary written         g + 1, synced                      a file under a temporary name, removed by a later fold
 *   5. published                 by link(2), as archive g + 1       g + 1 counts; it names every file that it has, and a
 *                                                                   reader passes those over while they are still there
 *   6. lower generations, then absorbed files, unlinked             the same; a later fold goes on with it
 *
 * Publishing is what decides, not the locks. A link fails where g + 1 is there: somebody else was faster. Where g + 1 was
 * there and has gone, in favour of a higher one, the link succeeds and means nothing, as readers take the highest; the
 * folder knows by g, which it read: lower generations are unlinked from the lowest up, so that g was gone before g + 1 was.
 * It then touches no file of the dead, for the archive that counts need not have what it has read.
 */
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
import { isMainThread } from 'node:worker_threads';
import { BadFileError, describeError, PromMultiprocError } from '../errors.js';
import { createAside } from '../mapped-file/mapped-bytes.js';
import { FileReader } from '../mapped-file/reader.js';
import { ArchiveContents, type ArchiveLimits } from './archive-contents.js';
import { encodeArchive, type OpenedArchive, openArchive } from './archive-file.js';
import {
  archiveName,
  archiveTemporaryName,
  type DataFileName,
  generationOfTemporary,
  isNamedAfter,
  MAX_GENERATION,
} from './file-name.js';
import { takeFoldLock } from './fold-lock.js';
import { type ArchiveRecord, FoldSource } from './fold-source.js';
import { type Liveness, probeLiveness } from './liveness.js';
import { joinDirectory } from './open-directory.js';
import { removeDataFile } from './remove-data-file.js';
import { type DirectoryScan, scanDirectory } from './scan.js';

export interface FoldOptions {
  /** How long a dead process's gauges are kept in the modes that keep them. Default 24 h. */
  readonly deadRetentionSeconds?: number;
  /** Of how many dead processes series are kept in the mode `all`. Default 1000. */
  readonly deadRetentionProcesses?: number;
  /** Most series of the archive; further ones are dropped and counted. Default 1,000,000. */
  readonly maxSeries?: number;
  /** A family that no process has declared for so long is dropped from the archive, and counted. Default 30 days. */
  readonly familyRetentionSeconds?: number;
  /** Permission bits of the archive, beside those that the files in it had. Default 0600. */
  readonly fileMode?: number;
  /** Group of the archive. Default: that of the files in it. */
  readonly group?: number;
  /** Whether to use proper-lockfile. Default: in a worker thread, as it adds listeners for signals. */
  readonly properLockfile?: boolean;
}

/** Why nothing was published. Nothing is lost by it, and the next fold tries again. */
export type FoldAbandonment =
  /** Somebody else is folding. */
  | 'locked'
  /** Somebody else has published meanwhile. */
  | 'superseded'
  /** This process may not write here. */
  | 'not permitted'
  /** The disk, or memory, is full. */
  | 'no room'
  /** The newest archive is there and cannot be read by this process, or by this release. */
  | 'archive unreadable'
  /** The file system has no hard links. */
  | 'no links';

/** Why a data file was left where it is. */
export type FoldSkip = 'live' | 'unknown' | 'permission' | 'version' | 'corrupt' | 'not_a_metrics_file' | 'other';

export interface FoldResult {
  /** Of the archive that holds now; 0: there is none. */
  readonly generation: number;
  /** Files whose counts are in the archive since this call. */
  readonly folded: number;
  readonly foldedBytes: number;
  /** Files of the dead that were unlinked, those left by folders that were killed included. */
  readonly removed: number;
  readonly skipped: Readonly<Record<FoldSkip, number>>;
  readonly abandoned?: FoldAbandonment;
  /** Series and size of the archive that this call has published; else 0. */
  readonly series: number;
  readonly archiveBytes: number;
  /** Series for which this call found no room in the archive. */
  readonly droppedSeries: number;
  /** Names of metrics that this call dropped as nobody declares them any more. */
  readonly droppedFamilies: number;
  /** Archives that are damaged. They are left where they are, for somebody to look at. */
  readonly damagedArchives: readonly string[];
  /** What an operator should see, once. */
  readonly notices: readonly string[];
}

/** A step that is done, for the crash tests to stop at. */
export type FoldStep =
  | 'locked'
  | 'archive read'
  | 'files read'
  | 'temporary written'
  | 'published'
  | 'generation unlinked'
  | 'file removed';

/** Where a writer says nothing by a lock, it may turn out to be alive: its file stays named for a day. */
const REMEMBERED_SECONDS = 24 * 3600;
const DAY_SECONDS = 24 * 3600;

export interface FoldThreshold {
  /** Files of the dead. Default 32. */
  readonly files?: number;
  /** Their bytes. Default 4 MiB. */
  readonly bytes?: number;
}

/** Whether so many dead files are worth a fold. */
export function foldDue(dead: { files: number; bytes: number }, threshold: FoldThreshold = {}): boolean {
  const { files = 32, bytes = 4 * 1024 * 1024 } = threshold;
  return dead.files > 0 && (dead.files >= files || dead.bytes >= bytes);
}

/**
 * Folds the files of dead processes into the archive of a directory. Synchronous, and as long as reading all of them
 * takes: for a thread or a command.
 *
 * Operational trouble does not throw: it shows in the result, and leaves everything as it was.
 *
 * @throws {PromMultiprocError} ERR_PERMISSION where the directory may not be read, ERR_DIRECTORY_REFUSED
 */
export function foldDirectory(dir: string, options: FoldOptions = {}): FoldResult {
  // who uses a directory says so, or it might be swept
  const joined = joinDirectory({ dir, origin: 'env', derived: false }, options);
  const fold = new Fold(dir, options);
  if (joined === undefined) return fold.result();
  try {
    return fold.run();
  } finally {
    joined.close();
  }
}

interface DeadFile {
  readonly name: DataFileName;
  readonly stats: Stats;
  readonly usesHeartbeat: boolean;
}

export class Fold {
  /** Crash tests stop here; nothing else sets it. */
  static onStep: ((step: FoldStep) => void) | undefined;
  readonly #dir: string;
  readonly #options: FoldOptions;
  readonly #limits: ArchiveLimits;
  readonly #now = Date.now() / 1000;
  readonly #skipped: Record<FoldSkip, number> = {
    live: 0,
    unknown: 0,
    permission: 0,
    version: 0,
    corrupt: 0,
    not_a_metrics_file: 0,
    other: 0,
  };
  readonly #damagedArchives: string[] = [];
  readonly #notices: string[] = [];
  readonly #contents: ArchiveContents;
  #generation = 0;
  #folded: DeadFile[] = [];
  #removed = 0;
  #archiveBytes = 0;
  #published = false;
  #abandoned: FoldAbandonment | undefined;

  constructor(dir: string, options: FoldOptions) {
    this.#dir = dir;
    this.#options = options;
    this.#limits = {
      maxSeries: options.maxSeries ?? 1_000_000,
      deadRetentionSeconds: options.deadRetentionSeconds ?? DAY_SECONDS,
      deadRetentionProcesses: options.deadRetentionProcesses ?? 1000,
      familyRetentionSeconds: options.familyRetentionSeconds ?? 30 * DAY_SECONDS,
    };
    this.#contents = new ArchiveContents(this.#limits, this.#now);
  }

  run(): FoldResult {
    try {
      const unlock = takeFoldLock(this.#dir, {
        fileMode: this.#options.fileMode,
        group: this.#options.group,
        properLockfile: this.#options.properLockfile ?? !isMainThread,
      });
      if (unlock === 'locked') {
        this.#abandoned = 'locked';
        return this.result();
      }
      try {
        Fold.onStep?.('locked');
        this.#abandoned = this.#fold();
      } finally {
        unlock();
      }
    } catch (error) {
      const reason = abandonment(error);
      if (reason === undefined) throw error;
      this.#abandoned = reason;
    }
    return this.result();
  }

  result(): FoldResult {
    const published = this.#published;
    return {
      generation: this.#generation,
      folded: published ? this.#folded.length : 0,
      foldedBytes: published ? this.#folded.reduce((sum, { stats }) => sum + stats.size, 0) : 0,
      removed: this.#removed,
      skipped: this.#skipped,
      abandoned: this.#abandoned,
      series: published ? this.#contents.seriesCount : 0,
      archiveBytes: this.#archiveBytes,
      droppedSeries: published ? this.#contents.droppedSeries : 0,
      droppedFamilies: published ? this.#contents.droppedFamilies : 0,
      damagedArchives: this.#damagedArchives,
      notices: this.#notices,
    };
  }

  #fold(): FoldAbandonment | undefined {
    const found = scanDirectory(this.#dir);
    const base = this.#openNewest(found);
    if (base === 'archive unreadable') return base;
    try {
      this.#generation = base?.name.generation ?? 0;
      const absorbed = new Set(base?.record.absorbed);
      const leftovers = found.dataFiles.filter(({ id }) => absorbed.has(id));
      const others = found.dataFiles.filter(({ id }) => !absorbed.has(id));
      const dead = others.filter((name) => this.#isDead(name));
      if (dead.length === 0) {
        this.#removeAll(leftovers);
        return undefined;
      }
      if (base !== undefined) this.#contents.addArchive(base.source);
      Fold.onStep?.('archive read');
      for (const name of dead) this.#addFile(name);
      Fold.onStep?.('files read');
      if (this.#folded.length === 0) {
        this.#removeAll(leftovers);
        return undefined;
      }
      this.#contents.expire(() => this.#declaredByLiving(others));
      // a damaged one above keeps its number
      const generation = Math.max(this.#generation, found.archives[0]?.generation ?? 0) + 1;
      const reason = this.#publish(generation, base, this.#recordOf(generation, base?.record, leftovers));
      if (reason !== undefined) return reason;
      this.#generation = generation;
      this.#published = true;
      this.#removeLower(generation);
      this.#removeAll([...leftovers, ...this.#folded.map(({ name }) => name)]);
      return undefined;
    } finally {
      base?.reader.close();
    }
  }

  /**
   * The newest archive that is whole. A damaged one shows in no output: readers take the next one below, and so does the
   * fold, so that the dead go on being counted; the damaged file is left alone. One that this process cannot read may well
   * be whole, and nothing may be folded past it.
   */
  #openNewest({ archives }: DirectoryScan): OpenedArchive | 'archive unreadable' | undefined {
    for (const name of archives) {
      // the last number there is: by hand, for no fold gets there
      if (name.generation === MAX_GENERATION) return 'archive unreadable';
      try {
        return openArchive(this.#dir, name);
      } catch (error) {
        if (!(error instanceof BadFileError) || error.code === 'ERR_UNSUPPORTED_VERSION') {
          this.#notices.push(`nothing is folded: ${describeError(error)}`);
          return 'archive unreadable';
        }
        this.#damagedArchives.push(name.name);
        this.#notices.push(`an archive is damaged and its counts are not shown: ${describeError(error)}`);
      }
    }
    return undefined;
  }

  #isDead(name: DataFileName): boolean {
    return this.#withReader(name, (reader) => {
      const liveness: Liveness = probeLiveness(reader.fd, reader.header, this.#now);
      if (liveness !== 'dead') this.#skipped[liveness]++;
      return liveness === 'dead';
    });
  }

  #addFile(name: DataFileName): void {
    this.#withReader(name, (reader) => {
      this.#contents.addProcess(new FoldSource(reader), reader.words.heartbeat);
      const usesHeartbeat = reader.header.identity.liveness === 'heartbeat';
      this.#folded.push({ name, stats: fstatSync(reader.fd), usesHeartbeat });
      return true;
    });
  }

  /** False, and counted, where the file is none of ours or cannot be read. */
  #withReader(name: DataFileName, use: (reader: FileReader) => boolean): boolean {
    try {
      const reader = new FileReader(join(this.#dir, name.name));
      try {
        if (isNamedAfter(name, reader.header.identity)) return use(reader);
        this.#skipped.not_a_metrics_file++;
        return false;
      } finally {
        reader.close();
      }
    } catch (error) {
      this.#skipped[skipOf(error)]++;
      return false;
    }
  }

  /** Names of the families of all who are not folded; undefined where one of them cannot be asked. */
  #declaredByLiving(names: readonly DataFileName[]): ReadonlySet<string> | undefined {
    const declared = new Set<string>();
    const folded = new Set(this.#folded.map(({ name }) => name));
    for (const name of names) {
      if (folded.has(name)) continue;
      const asked = this.#withReader(name, (reader) => {
        for (const family of new FoldSource(reader).families.values()) declared.add(family.name);
        return true;
      });
      if (!asked) return undefined;
    }
    return declared;
  }

  #recordOf(generation: number, base: ArchiveRecord | undefined, leftovers: readonly DataFileName[]): ArchiveRecord {
    const remembered = (base?.remembered ?? []).filter(([, until]) => until > this.#now);
    for (const { name, usesHeartbeat } of this.#folded) {
      if (usesHeartbeat) remembered.push([name.id, this.#now + REMEMBERED_SECONDS]);
    }
    const absorbed = new Set([
      ...leftovers.map(({ id }) => id),
      ...this.#folded.map(({ name }) => name.id),
      ...remembered.map(([id]) => id),
    ]);
    return {
      generation,
      absorbed: [...absorbed],
      remembered,
      files: (base?.files ?? 0) + this.#folded.length,
      droppedSeries: (base?.droppedSeries ?? 0) + this.#contents.droppedSeries,
      droppedFamilies: (base?.droppedFamilies ?? 0) + this.#contents.droppedFamilies,
    };
  }

  #publish(generation: number, base: OpenedArchive | undefined, record: ArchiveRecord): FoldAbandonment | undefined {
    const bytes = encodeArchive(this.#contents, record);
    const temporary = join(this.#dir, archiveTemporaryName(generation, randomBytes(8).toString('hex')));
    const fd = createAside({ temporaryPath: temporary, mode: this.#options.fileMode });
    try {
      bytes.writeTo(fd);
      this.#admitReaders(fd, base);
      fsyncSync(fd);
      this.#archiveBytes = fstatSync(fd).size;
      Fold.onStep?.('temporary written');
      linkSync(temporary, join(this.#dir, archiveName(generation)));
    } catch (error) {
      // ENOENT: a folder that published meanwhile has taken the temporary for a leftover, which it is
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST' || code === 'ENOENT') return 'superseded';
      throw error;
    } finally {
      closeSync(fd);
      unlinkQuietly(temporary);
    }
    syncDirectory(this.#dir);
    Fold.onStep?.('published');
    return this.#isSuperseded(generation, base) ? 'superseded' : undefined;
  }

  /** Whether the archive was linked after a higher one had been there: see the head of this file. */
  #isSuperseded(generation: number, base: OpenedArchive | undefined): boolean {
    if (base !== undefined && !existsSync(join(this.#dir, base.name.name))) return true;
    return (scanDirectory(this.#dir).archives[0]?.generation ?? 0) > generation;
  }

  /** Who could read the files of the dead, and the archive before, is to read this one. */
  #admitReaders(fd: number, base: OpenedArchive | undefined): void {
    const all = this.#folded.map(({ stats }) => stats);
    if (base !== undefined) all.push(fstatSync(base.reader.fd));
    const only = (of: (stats: Stats) => number): number | undefined =>
      all.every((stats) => of(stats) === of(all[0])) ? of(all[0]) : undefined;
    const made = fstatSync(fd);
    // root may give the file to the user whose processes counted; another may give it to a group of its own at most
    const uid = process.geteuid?.() === 0 ? (only((stats) => stats.uid) ?? lstatSync(this.#dir).uid) : made.uid;
    const gid = this.#options.group ?? only((stats) => stats.gid) ?? made.gid;
    try {
      if (uid !== made.uid || gid !== made.gid) fchownSync(fd, uid, gid);
    } catch (error) {
      this.#notices.push(
        `the archive in ${JSON.stringify(this.#dir)} cannot be given to uid ${uid}, gid ${gid}: ${describeError(error)}`,
      );
    }
    const readable = all.reduce((bits, { mode }) => bits | (mode & 0o666), 0);
    fchmodSync(fd, (this.#options.fileMode ?? 0o600) | readable);
  }

  /** From the lowest up: whoever finds the lowest gone knows that it is not the newest any more. */
  #removeLower(generation: number): void {
    const { archives, temporaries } = scanDirectory(this.#dir);
    for (const { name, generation: other } of archives.toReversed()) {
      if (other >= generation || this.#damagedArchives.includes(name)) continue;
      unlinkQuietly(join(this.#dir, name));
      Fold.onStep?.('generation unlinked');
    }
    for (const name of temporaries) {
      const other = generationOfTemporary(name);
      if (other !== undefined && other <= generation) unlinkQuietly(join(this.#dir, name));
    }
  }

  #removeAll(names: readonly DataFileName[]): void {
    for (const { name } of names) {
      try {
        removeDataFile(join(this.#dir, name));
        this.#removed++;
      } catch {
        // not permitted, or done by somebody else: the archive names it as long as it is there
      }
      Fold.onStep?.('file removed');
    }
  }
}

function unlinkQuietly(path: string): void {
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

function skipOf(error: unknown): FoldSkip {
  if (error instanceof BadFileError) {
    if (error.code === 'ERR_NOT_A_METRICS_FILE') return 'not_a_metrics_file';
    return error.code === 'ERR_UNSUPPORTED_VERSION' ? 'version' : 'corrupt';
  }
  return error instanceof PromMultiprocError && error.code === 'ERR_PERMISSION' ? 'permission' : 'other';
}

/** Undefined for what is not the system's doing. */
function abandonment(error: unknown): FoldAbandonment | undefined {
  if (error instanceof RangeError) return 'no room';
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ELOOP':
      return 'not permitted';
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
    case 'EFBIG':
    case 'EIO':
      return 'no room';
    case 'ENOSYS':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'EMLINK':
      return 'no links';
    case 'ENOENT':
      // the directory itself went away
      return 'superseded';
    default:
      return undefined;
  }
}
