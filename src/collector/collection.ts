/**
 * One directory, read and merged again and again: what a scrape does, wherever it runs (collector.ts decides: inline or in
 * a thread of its own). The work is a generator that pauses between files, so that an inline scrape can let the event
 * loop have its turns.
 */
import { join } from 'node:path';
import { assertNoLie } from '../archive/archive-lie.js';
import type { ArchiveRecord } from '../archive/archive-record.js';
import { compareAge, pidLabel } from '../directory/identity.js';
import { LivenessProbe } from '../directory/liveness.js';
import type { DataFileName } from '../directory/file-name.js';
import { type DirectoryScan, scanInSteps } from '../directory/scan.js';
import { assertTrusted, type Trust, trustIn } from '../directory/trust.js';
import { MergeIndex } from '../merge/merge-index.js';
import { debug } from '../debug-log.js';
import { SelectedFamilies } from '../merge/selected-families.js';
import type { Selection } from '../merge/selection.js';
import { describeError, isSystemTrouble } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { ArchiveLoss, warnOfLoss } from './archive-loss.js';
import { BadFiles } from './bad-files.js';
import { OpenFiles } from './open-files.js';
import type { LivingProcess } from './chart.js';
import { warnOfUnusableSeries } from './unusable-series.js';
import { SKIP_REASONS, type SkipReason, skipReason, Source } from './source.js';

export interface CollectionOptions {
  readonly dir: string;
  /** How long a dead process's gauges are kept in the modes that keep them. */
  readonly deadRetentionSeconds: number;
  /** Most files kept open between two scrapes. */
  readonly maxOpenFiles: number;
  /** Whether nothing is written in the directory: an archive that somebody deletes is put back otherwise. */
  readonly readOnly?: boolean;
}

/** What a scrape found, for the self-metrics. */
export interface CollectionStats {
  readonly live: number;
  readonly dead: number;
  readonly unknown: number;
  readonly skipped: Readonly<Record<SkipReason, number>>;
  readonly series: number;
  readonly fileBytes: number;
  readonly bytesInMemory: number;
  /** Parts of series that are left out, since a value of theirs is not a finite number. */
  readonly unusableSeries: number;
  readonly pidConflicts: number;
  readonly conflicts: Readonly<Record<string, number>>;
  /** Of the living process that beat longest ago. */
  readonly heartbeatAgeSeconds: number;
  /** Of the dead whose files are there still. */
  readonly deadBytes: number;
  /** Undefined where there is none. */
  readonly archive: ArchiveRecord | undefined;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly thread: number;
  readonly state: 'live' | 'dead' | 'unknown';
  /** Seconds since the epoch. */
  readonly startedAt: number;
  readonly series: number;
  readonly sizeBytes: number;
  /** Seconds since the epoch of its last heartbeat. */
  readonly lastBeatAt: number;
  readonly hostName: string;
  readonly file: string;
}

export interface SkippedFile {
  readonly name: string;
  readonly reason: SkipReason;
  /** What is wrong with it, in words. */
  readonly error: string;
}

/** A directory that changes faster than this many passes is read as it is. Folding rests ten times as long as it takes. */
const MAX_PASSES = 20;
/** Declarations are known after the first time, so that the second is the last. */
const MAX_RESTARTS = 5;
const HOUR_SECONDS = 3600;

export class DirectoryCollection {
  readonly options: CollectionOptions;
  readonly index = new MergeIndex();
  /** When the values were merged last, in milliseconds since the epoch. */
  collectedAtMs = 0;
  /** Files under temporary names that the last collection saw. */
  temporaries = 0;
  readonly #sources = new Map<string, Source>();
  readonly #probe = new LivenessProbe();
  readonly #badFiles = new BadFiles();
  #trust: Trust = () => true;
  /** Of the last pass, by their names. */
  #skipped = new Map<string, SkippedFile>();
  #archiveHour = 0;
  #archive: ArchiveRecord | undefined;
  readonly #openFiles: OpenFiles;
  readonly #archiveLoss: ArchiveLoss;
  /** One that is shown though it has been deleted. */
  #lostArchive: Source | undefined;
  #filesKey = '';
  #unusableSeries = 0;

  constructor(options: CollectionOptions) {
    this.options = options;
    this.#openFiles = new OpenFiles(options.maxOpenFiles);
    this.#archiveLoss = new ArchiveLoss(options.dir, options.readOnly === true);
  }

  /**
   * Reads what has changed and merges all. Pauses between files.
   *
   * @throws {PromMultiprocError} where the directory itself cannot be read
   * @throws {NodeJS.ErrnoException} EMFILE, ENFILE, ENOMEM, EIO: what could not be read would be missing from the sums
   */
  *collect(): Generator<void, void> {
    for (let pass = 1; ; pass++) {
      const found = yield* this.#scan();
      this.temporaries = found.temporaries.length;
      this.#skipped.clear();
      yield* this.#readSources(found);
      if (this.index.wasteful) yield* this.#readAnew();
      for (let again = 0; this.index.stale && again < MAX_RESTARTS; again++) yield* this.#readAnew();
      if (this.#isSettled(found, yield* this.#scan()) || pass === MAX_PASSES) break;
      yield;
    }
    this.#tellOfSkippedFiles();
    if (this.#lostArchive !== undefined) warnOfLoss(this.options.dir, this.#lostArchive);
    this.#merge();
  }

  /** @param selected whose series and conflicts are counted */
  stats(selected: SelectedFamilies): CollectionStats {
    const sources = this.#dataSources();
    const now = Date.now() / 1000;
    // of main threads: an idle worker thread of piscina's waits in Atomics, and its event loop is not to turn
    const beating = sources.filter(
      ({ liveness, reader }) => liveness !== 'dead' && reader.header.identity.threadId === 0,
    );
    const conflicts: Record<string, number> = {};
    for (const { reason } of selected.conflicts()) conflicts[reason] = (conflicts[reason] ?? 0) + 1;
    const { fileBytes, dead } = this.totals();
    return {
      live: sources.filter(({ liveness }) => liveness === 'live').length,
      dead: dead.files,
      unknown: sources.filter(({ liveness }) => liveness === 'unknown').length,
      skipped: this.skipped,
      series: selected.seriesCount,
      fileBytes,
      bytesInMemory: sources.reduce((sum, { reader }) => sum + reader.words.bytesInMemory, 0),
      unusableSeries: this.#unusableSeries,
      pidConflicts: this.index.pidConflicts,
      conflicts,
      heartbeatAgeSeconds: beating.reduce((age, { reader }) => Math.max(age, now - reader.words.heartbeat), 0),
      deadBytes: dead.bytes,
      archive: this.#archive,
    };
  }

  /** What an output shows, to be brought up to date after every collection. */
  select(selection: Selection): SelectedFamilies {
    return new SelectedFamilies(this.index, selection);
  }

  /** What decides whether merging is worth a thread, and folding is due. */
  totals(): { fileBytes: number; dead: { files: number; bytes: number } } {
    const total = { fileBytes: 0, dead: { files: 0, bytes: 0 } };
    for (const { liveness, reader } of this.#dataSources()) {
      total.fileBytes += reader.knownBytes;
      if (liveness !== 'dead') continue;
      total.dead.files++;
      total.dead.bytes += reader.knownBytes;
    }
    return total;
  }

  processes(): ProcessInfo[] {
    return this.#dataSources().map(({ reader, view, liveness, name }) => ({
      pid: reader.header.identity.pid,
      thread: reader.header.identity.threadId,
      state: liveness === 'archive' ? 'dead' : liveness,
      startedAt: reader.header.identity.startedAt,
      series: view.seriesCount,
      sizeBytes: reader.knownBytes,
      lastBeatAt: reader.words.heartbeat,
      hostName: reader.header.identity.hostName,
      file: name,
    }));
  }

  /** The processes that are alive as far as one can tell, and what their files say. */
  living(): LivingProcess[] {
    return this.#dataSources()
      .filter(({ liveness }) => liveness !== 'dead')
      .map(({ reader, view }) => ({ label: pidLabel(reader.header.identity), view }));
  }

  /** How many files the last collection could not read, by reason. */
  get skipped(): Record<SkipReason, number> {
    const skipped = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, 0])) as Record<SkipReason, number>;
    for (const { reason } of this.#skipped.values()) skipped[reason]++;
    return skipped;
  }

  /** Files that the last collection could not read. */
  get skippedFiles(): SkippedFile[] {
    return [...this.#skipped.values()];
  }

  close(): void {
    for (const name of this.#sources.keys()) this.#drop(name);
  }

  #dataSources(): Source[] {
    return [...this.#sources.values()].filter(({ liveness }) => liveness !== 'archive');
  }

  *#readSources(found: DirectoryScan): Generator<void, void> {
    this.#trust = trustIn(this.options.dir);
    const archive = this.#readArchive(found);
    this.#archive = archive?.view.archive;
    const absorbed = this.#archive?.absorbed;
    const wanted = found.dataFiles.filter(({ id }) => absorbed?.has(id) !== true);
    const names = new Set(wanted.map(({ name }) => name));
    if (archive !== undefined) names.add(archive.name);
    for (const name of [...this.#sources.keys()]) if (!names.has(name)) this.#drop(name);
    this.#probe.retain(found.dataFiles.map(({ id }) => id));
    this.#badFiles.retain((name) => names.has(name) || found.archives.some((each) => each.name === name));
    for (const { name } of wanted) {
      this.#read(name, false);
      yield;
    }
    this.#orderSources();
  }

  /**
   * Whether what was read is what was there at one moment. An archive that was published meanwhile has counts of files that
   * were read before; and a file that has gone while it was read may have been read without its pages.
   */
  #isSettled(found: DirectoryScan, after: DirectoryScan): boolean {
    if (found.archives[0]?.generation !== after.archives[0]?.generation) return false;
    const names = new Set([...after.dataFiles, ...after.archives].map(({ name }) => name));
    return [...this.#sources.values()].every((source) => names.has(source.name) || source === this.#lostArchive);
  }

  /** The archive that counts: the newest one, or one that was shown before and that somebody has deleted. */
  #readArchive(found: DirectoryScan): Source | undefined {
    const shown = [...this.#sources.values()].find(({ liveness }) => liveness === 'archive');
    const newest = this.#newestArchive(found);
    const loss = this.#archiveLoss.after(shown, newest, found);
    this.#lostArchive = loss === 'lost' ? shown : undefined;
    if (loss !== 'restored') return this.#lostArchive ?? newest;
    this.#drop(shown!.name);
    return this.#read(shown!.name, true);
  }

  /** The newest archive that can be read and is believed. */
  #newestArchive({ archives, dataFiles }: DirectoryScan): Source | undefined {
    const hour = Math.floor(Date.now() / 1000 / HOUR_SECONDS);
    for (const { name } of archives) {
      // gauges of processes that ended too long ago leave the archive's part hour by hour
      if (hour !== this.#archiveHour) this.#drop(name);
      const source = this.#read(name, true);
      if (source === undefined || !this.#isBelieved(source, dataFiles)) continue;
      this.#archiveHour = hour;
      return source;
    }
    return undefined;
  }

  #isBelieved(archive: Source, dataFiles: readonly DataFileName[]): boolean {
    const { name, mark, reader, view } = archive;
    try {
      const believed = { file: reader.file, record: view.archive! };
      this.#openFiles.withRoom(() => assertNoLie(this.options.dir, believed, dataFiles, this.#probe));
      return true;
    } catch (error) {
      if (isSystemTrouble(error)) throw error;
      this.#badFiles.note(name, mark, error);
      this.#skip(name, error);
      return false;
    }
  }

  *#scan(): Generator<void, DirectoryScan> {
    try {
      return yield* scanInSteps(this.options.dir);
    } catch (error) {
      this.#openFiles.makeRoom(error);
      return yield* scanInSteps(this.options.dir);
    }
  }

  #read(name: string, isArchive: boolean): Source | undefined {
    return this.#openFiles.withRoom(() => this.#tryToRead(name, isArchive));
  }

  /** @throws the system's error */
  #tryToRead(name: string, isArchive: boolean): Source | undefined {
    const { dir, deadRetentionSeconds } = this.options;
    const now = Date.now() / 1000;
    let source = this.#sources.get(name);
    let mark: string | undefined;
    try {
      if (source === undefined) {
        source = new Source(dir, name, this.index, isArchive, now - deadRetentionSeconds);
        this.#sources.set(name, source);
        mark = source.mark;
        this.#badFiles.assertNotKnown(name, mark);
      }
      assertTrusted(this.#trust, source.reader);
      if (!isArchive && !source.isFinal) {
        source.liveness = this.#probe.probe(source.reader.fd, { ...source.reader.header, ...source.reader.words });
      }
      source.view.state = source.stateAt(now, deadRetentionSeconds);
      if (!source.isFinal) source.read();
      this.#openFiles.limit(source);
      return source;
    } catch (error) {
      if (isSystemTrouble(error)) {
        // half of it may have been taken in; what is read in its place has no place in the order yet
        this.#drop(name);
        this.#filesKey = '';
        throw error;
      }
      if (mark !== undefined) this.#badFiles.note(name, mark, error);
      this.#skip(name, error);
      return undefined;
    }
  }

  #skip(name: string, error: unknown): void {
    this.#drop(name);
    // gone between the listing and the opening: the listing after this pass tells what that meant
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    debug('skips %s: %s', name, describeError(error));
    this.#skipped.set(name, { name, reason: skipReason(error), error: describeError(error) });
  }

  #drop(name: string): void {
    const source = this.#sources.get(name);
    if (source === undefined) return;
    source.close();
    this.#openFiles.forget(source);
    this.#sources.delete(name);
  }

  /** Takes every file in from the beginning of its log: the declarations are known by now. */
  *#readAnew(): Generator<void, void> {
    for (const { view } of this.#sources.values()) view.rewind();
    this.index.restart();
    for (const [name, { liveness }] of [...this.#sources]) {
      this.#read(name, liveness === 'archive');
      yield;
    }
    this.#orderSources();
  }

  /** Archive first, then the dead, then the living, each oldest first: the order in which gauges hear of values. */
  #orderSources(): void {
    const rank = ({ liveness }: Source): number => (liveness === 'archive' ? 0 : liveness === 'dead' ? 1 : 2);
    const ordered = [...this.#sources.values()].toSorted(
      (a, b) => rank(a) - rank(b) || compareAge(a.reader.header.identity, b.reader.header.identity),
    );
    const key = ordered.map(({ name }) => name).join();
    if (key === this.#filesKey) return;
    this.#filesKey = key;
    this.#sources.clear();
    this.index.forgetOrder();
    ordered.forEach((source, at) => {
      this.#sources.set(source.name, source);
      source.view.order = at;
      source.view.declareOrder();
    });
  }

  #merge(): void {
    this.collectedAtMs = Date.now();
    if (this.index.createdStale) {
      this.index.forgetCreated();
      for (const { view } of this.#sources.values()) view.declareCreated();
    }
    this.index.clear();
    for (const { view } of this.#sources.values()) view.addValues(this.collectedAtMs / 1000);
    this.index.settle();
    this.#unusableSeries = warnOfUnusableSeries(this.options.dir, this.#sources.values());
  }

  /** Once the pass has turned out to be the last one. */
  #tellOfSkippedFiles(): void {
    for (const { name, reason, error } of this.#skipped.values()) {
      // strangers can make files without end, each under a name that was never there
      const what = reason === 'owner' ? this.options.dir : join(this.options.dir, name);
      warnOnce(`skip ${what} ${reason}`, `a metrics file is skipped: ${error}`);
    }
  }
}
