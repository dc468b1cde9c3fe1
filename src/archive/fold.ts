/**
 * Folding moves the counts of dead processes into one archive, so that a scrape costs the same after 10,000 processes as after 10.
 * The files on disk after each step, and the state that a fold leaves when it dies there:
 *
 *   1. locked                    fold-lock.ts                       nothing
 *   2. archive read              generation g, undamaged; leftovers nothing
 *                                of killed folds are removed
 *   3. files read                of dead processes                  nothing
 *   4. temporary file written    g + 1, synced                      a file under a temporary name, which a later fold removes
 *   5. published                 by link(2), as archive g + 1       g + 1 counts; it names every file that it contains, and
 *                                                                   readers ignore those files while they still exist
 *   6. lower generations, then absorbed files, unlinked             the same; a later fold continues
 *
 * Publishing decides, not the locks. A link fails where g + 1 exists: another fold was faster. Where g + 1 existed and was removed
 * in favour of a higher one, the link succeeds but has no effect, because readers take the highest generation. The fold notices that
 * by g, which it has read: lower generations are unlinked from the lowest up, so that g was removed before g + 1. It then removes no
 * file of a dead process, because the archive that counts need not contain the counts that it has read.
 */
import { fstatSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { describeError, isBadFile } from '../errors.js';
import type { ProcessIdentity } from '../metrics-file/layout.js';
import { native } from '../metrics-file/mapping.js';
import { FileReader } from '../metrics-file/reader.js';
import { ArchiveContents } from './archive-contents.js';
import { clockShift, longestInterval, readClocks } from './clock-reading.js';
import { encodeArchive, type OpenedArchive, openArchive } from './archive-file.js';
import { nextGeneration, publishArchive, removeLowerArchives } from './archive-publication.js';
import { type ArchiveRecord, NO_LOSSES } from './archive-record.js';
import { type DataFileName, isNamedAfter, MAX_GENERATION } from '../directory/file-name.js';
import { FileOwners } from './file-owners.js';
import { takeFoldLock } from './fold-lock.js';
import { archiveLimits, type FoldOptions } from './fold-options.js';
import { abandonmentOf, type FoldAbandonment, type FoldResult } from './fold-result.js';
import { FoldSource } from './fold-source.js';
import { LivingFamilies } from './living-families.js';
import { compareAge } from '../directory/identity.js';
import { probeLiveness } from '../directory/liveness.js';
import { joinDirectory } from '../directory/open-directory.js';
import { removeDataFile } from '../directory/remove-data-file.js';
import { type DirectoryScan, scanDirectory } from '../directory/scan.js';
import { isSkippedByAll, type SkipReason, skipReason } from '../directory/skip-reason.js';
import { removeLeftovers } from '../directory/sweep.js';
import { assertTrusted, type Trust, trustIn } from '../directory/trust.js';

/** Receives the number of files of dead processes that have been read, and their total. */
export type FoldProgress = (read: number, of: number) => void;

/** A finished step, at which crash tests stop. */
export type FoldStep =
  | 'locked'
  | 'archive read'
  | 'files read'
  | 'temporary written'
  | 'published'
  | 'generation unlinked'
  | 'file removed';

/** A writer without a lock may be found alive later: its file stays named for a day. */
const REMEMBERED_SECONDS = 24 * 3600;

/**
 * Folds the files of dead processes into the archive of a directory. Synchronous, for as long as reading them takes: call
 * it in a thread or a command. Operational trouble does not throw: the result reports it, and all files stay as they were.
 *
 * @throws {PromMultiprocError} ERR_PERMISSION where the directory may not be read, ERR_DIRECTORY_REFUSED
 */
export function foldDirectory(dir: string, options: FoldOptions = {}, onProgress?: FoldProgress): FoldResult {
  // the lock prevents a sweep of the directory meanwhile
  const joined = joinDirectory({ dir, source: 'option', derived: false }, options);
  const fold = new Fold(dir, options, onProgress);
  if (joined === undefined) return fold.result;
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
  /** Set by crash tests only. */
  static onStep: ((step: FoldStep) => void) | undefined;
  readonly #dir: string;
  readonly #options: FoldOptions;
  readonly #onProgress: FoldProgress;
  readonly #clocks = readClocks();
  readonly #contents: ArchiveContents;
  readonly #trust: Trust;
  readonly #folded: DeadFile[] = [];
  readonly #owners = new FileOwners();
  readonly #result = {
    generation: 0,
    folded: 0,
    foldedBytes: 0,
    removed: 0,
    skipped: { live: 0, unknown: 0, permission: 0, owner: 0, version: 0, corrupt: 0, not_a_metrics_file: 0, other: 0 },
    abandoned: undefined as FoldAbandonment | undefined,
    series: 0,
    archiveBytes: 0,
    ...NO_LOSSES,
    damagedArchives: [] as string[],
    notices: [] as string[],
  };

  constructor(dir: string, options: FoldOptions, onProgress: FoldProgress = () => {}) {
    this.#dir = dir;
    this.#options = options;
    this.#onProgress = onProgress;
    this.#trust = trustIn(dir);
    this.#contents = new ArchiveContents(archiveLimits(options), this.#clocks);
  }

  get result(): FoldResult {
    return this.#result;
  }

  run(): FoldResult {
    try {
      const { properLockfile = !isMainThread } = this.#options;
      const unlock = takeFoldLock(this.#dir, { ...this.#options, properLockfile });
      if (unlock === 'locked') {
        this.#result.abandoned = unlock;
        return this.#result;
      }
      try {
        Fold.onStep?.('locked');
        this.#result.abandoned = this.#fold();
      } finally {
        unlock();
      }
    } catch (error) {
      const reason = abandonmentOf(error);
      if (reason === undefined) throw error;
      this.#result.abandoned = reason;
    }
    return this.#result;
  }

  #fold(): FoldAbandonment | undefined {
    const found = scanDirectory(this.#dir);
    removeLeftovers(this.#dir, found.temporaries, this.#clocks.wall);
    const base = this.#openNewest(found);
    if (base === 'archive unreadable') return base;
    try {
      const newest = (this.#result.generation = base?.name.generation ?? 0);
      const generation = nextGeneration(newest, found.archives);
      const isAbsorbed = ({ id }: DataFileName): boolean => base?.record.absorbed.has(id) === true;
      // leftovers of killed folds are removed first: a full disk may have no other space
      removeLowerArchives(
        this.#dir,
        newest,
        undefined,
        // the holder of the kernel's lock knows that no other process prepares the next archive, or that it will not count
        native() === undefined ? newest : generation,
        Fold.onStep,
      );
      const leftovers = this.#removeAll(found.dataFiles.filter(isAbsorbed));
      const others = found.dataFiles.filter((name) => !isAbsorbed(name));
      const dead = this.#deadOf(others);
      if (dead.length === 0) return undefined;
      if (base !== undefined) this.#contents.addArchive(base.source);
      Fold.onStep?.('archive read');
      dead.forEach((name, at) => {
        this.#onProgress(at, dead.length);
        this.#addFile(name);
      });
      this.#onProgress(dead.length, dead.length);
      Fold.onStep?.('files read');
      if (this.#folded.length === 0) return undefined;
      const folded = this.#folded.map(({ name }) => name);
      this.#contents.endProcesses(this.#owners.processesOver(folded, this.#clocks.wall));
      for (const name of this.#contents.unusableFamilies) {
        this.#result.notices.push(`a series of ${name} is not folded: a value of it is not a finite number`);
      }
      let living: LivingFamilies | 'unknown' | undefined;
      this.#contents.expire(() => {
        living ??= this.#livingFamilies(others) ?? 'unknown';
        return living === 'unknown' ? undefined : living;
      });
      const record = this.#recordOf(generation, base?.record, leftovers);
      const published = this.#publish(record, base, found);
      if (published === 'superseded') return published;
      this.#report(generation, published);
      removeLowerArchives(this.#dir, generation, base?.name.name, generation, Fold.onStep);
      this.#removeAll(this.#folded.map(({ name }) => name));
      return undefined;
    } finally {
      base?.reader.close();
    }
  }

  /**
   * The newest archive that counts. An archive that is damaged or not trusted is not in any output: readers take the next
   * lower one, and so does the fold, so that dead processes are still counted; the bad file stays. An archive that this
   * process cannot read may be undamaged, and then there must be no fold.
   */
  #openNewest({ archives, dataFiles }: DirectoryScan): OpenedArchive | 'archive unreadable' | undefined {
    for (const name of archives) {
      try {
        const opened = openArchive(this.#dir, name, dataFiles);
        if (name.generation < MAX_GENERATION) return opened;
        // the last number: written by hand, for no fold reaches it
        opened.reader.close();
        return 'archive unreadable';
      } catch (error) {
        if (!isBadFile(error) || error.code === 'ERR_UNSUPPORTED_VERSION') {
          this.#result.notices.push(`nothing is folded: ${describeError(error)}`);
          return 'archive unreadable';
        }
        this.#result.damagedArchives.push(name.name);
        this.#result.notices.push(`an archive is ignored and its counts are not shown: ${describeError(error)}`);
      }
    }
    return undefined;
  }

  /** Oldest first, as in readers: where two files have the same pid, the newest is shown. */
  #deadOf(names: readonly DataFileName[]): DataFileName[] {
    const dead: { name: DataFileName; identity: ProcessIdentity }[] = [];
    for (const name of names) {
      const reason = this.#read(name, ({ fd, header }) => {
        const liveness = probeLiveness(fd, header, this.#clocks.wall);
        if (liveness === 'dead') dead.push({ name, identity: header.identity });
        else this.#result.skipped[liveness]++;
        this.#owners.add(name, header.identity);
      });
      if (reason === undefined) continue;
      this.#result.skipped[reason]++;
      this.#owners.addUnread(reason);
    }
    return dead.toSorted((a, b) => compareAge(a.identity, b.identity)).map(({ name }) => name);
  }

  #addFile(name: DataFileName): void {
    const reason = this.#read(name, (reader) => {
      this.#contents.addProcess(new FoldSource(reader), reader.words.heartbeat);
      const usesHeartbeat = reader.header.identity.liveness === 'heartbeat';
      this.#folded.push({ name, stats: fstatSync(reader.fd), usesHeartbeat });
    });
    if (reason !== undefined) this.#result.skipped[reason]++;
  }

  /** Opens the file of a process for the time of a call. Returns the reason why it cannot be used. */
  #read(name: DataFileName, use: (reader: FileReader) => void): SkipReason | undefined {
    try {
      const reader = new FileReader(join(this.#dir, name.name));
      try {
        assertTrusted(this.#trust, reader);
        if (!isNamedAfter(name, reader.header.identity)) return 'not_a_metrics_file';
        use(reader);
      } finally {
        reader.close();
      }
    } catch (error) {
      return skipReason(error);
    }
    return undefined;
  }

  /** The families of all processes that are not folded; undefined where a file of theirs cannot be read. */
  #livingFamilies(names: readonly DataFileName[]): LivingFamilies | undefined {
    const living = new LivingFamilies();
    const folded = new Set(this.#folded.map(({ name }) => name));
    for (const name of names) {
      if (folded.has(name)) continue;
      const reason = this.#read(name, (reader) => living.add(new FoldSource(reader)));
      // a file that does not count declares nothing, and may stay there for ever
      if (reason !== undefined && !isSkippedByAll(reason)) return undefined;
    }
    return living;
  }

  #recordOf(generation: number, base: ArchiveRecord | undefined, leftovers: readonly DataFileName[]): ArchiveRecord {
    const { wall } = this.#clocks;
    const inADay = wall + REMEMBERED_SECONDS;
    const shift = clockShift(base?.foldedAt ?? this.#clocks, this.#clocks, longestInterval(REMEMBERED_SECONDS));
    const remembered = (base?.remembered ?? [])
      .map(([id, until]) => [id, Math.min(until + shift, inADay)] as const)
      .filter(([, until]) => until > wall);
    for (const { name, usesHeartbeat } of this.#folded) if (usesHeartbeat) remembered.push([name.id, inADay]);
    const absorbed = new Set([
      ...leftovers.map(({ id }) => id),
      ...this.#folded.map(({ name }) => name.id),
      ...remembered.map(([id]) => id),
    ]);
    const [before, losses] = [base ?? NO_LOSSES, this.#contents.losses];
    return {
      generation,
      foldedAt: this.#clocks,
      absorbed,
      remembered,
      files: (base?.files ?? 0) + this.#folded.length,
      droppedSeries: before.droppedSeries + losses.droppedSeries,
      droppedFamilies: before.droppedFamilies + losses.droppedFamilies,
      expiredSeries: before.expiredSeries + losses.expiredSeries,
    };
  }

  #publish(record: ArchiveRecord, base: OpenedArchive | undefined, { archives }: DirectoryScan): number | 'superseded' {
    const sources = this.#folded.map(({ stats }) => stats);
    if (base !== undefined) sources.push(fstatSync(base.reader.fd));
    const { fileMode, group } = this.#options;
    const notice = (text: string): unknown => this.#result.notices.push(text);
    const bytes = encodeArchive(this.#contents, record);
    const permissions = { fileMode, group, sources, notice };
    return publishArchive(
      this.#dir,
      record.generation,
      { base: base?.name, archives },
      bytes,
      permissions,
      Fold.onStep,
    );
  }

  #report(generation: number, archiveBytes: number): void {
    const foldedBytes = this.#folded.reduce((sum, { stats }) => sum + stats.size, 0);
    const { seriesCount: series, losses } = this.#contents;
    Object.assign(this.#result, {
      generation,
      folded: this.#folded.length,
      foldedBytes,
      series,
      archiveBytes,
      ...losses,
    });
  }

  /** @returns the names of files that still exist */
  #removeAll(names: readonly DataFileName[]): DataFileName[] {
    return names.filter(({ name }) => {
      let isThere = false;
      try {
        if (removeDataFile(join(this.#dir, name))) this.#result.removed++;
        else isThere = true;
      } catch (error) {
        // not permitted: the archive names the file as long as it exists
        isThere = (error as NodeJS.ErrnoException).code !== 'ENOENT';
      }
      Fold.onStep?.('file removed');
      return isThere;
    });
  }
}
