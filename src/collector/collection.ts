/**
 * Reads and merges one directory, again and again: the work of a scrape, inline or in a thread. It is a generator that
 * pauses between files and within large ones, so that an inline scrape can let the event loop turn.
 */
import { join } from 'node:path';
import { assertTrueClaims } from '../archive/archive-claims.js';
import type { ArchiveRecord } from '../archive/archive-record.js';
import { compareAge } from '../directory/identity.js';
import { LivenessProbe } from '../directory/liveness.js';
import type { DataFileName } from '../directory/file-name.js';
import { type PushRecord, pushRecordIn } from '../directory/push-record.js';
import { type DirectoryScan, scanInSteps } from '../directory/scan.js';
import { type SkipReason, skipReason } from '../directory/skip-reason.js';
import { isLeftover } from '../directory/sweep.js';
import { assertTrusted, type Trust, trustIn } from '../directory/trust.js';
import { PythonSamples } from '../python-file/python-keys.js';
import { PythonLiveness } from '../python-file/python-liveness.js';
import { MergeIndex } from '../merge/merge-index.js';
import { debug } from '../debug-log.js';
import { SelectedFamilies } from '../merge/selected-families.js';
import type { Selection } from '../merge/selection.js';
import type { Named } from '../model/name-clash.js';
import { describeError, isSystemTrouble } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { ArchiveLoss, warnOfLoss } from './archive-loss.js';
import { BadFiles } from './bad-files.js';
import { warnOfOverflow, warnOfUnusableSeries } from './unusable-series.js';
import { isMetricsFile, openMetricsFile, surveyFiles } from './file-kinds.js';
import type { FileContext, MetricsFile } from './metrics-file.js';
import { NodeFile } from './node-file.js';
import { requestCounts } from './request-counts.js';
import { RequestRates } from './request-rates.js';
import { OpenFiles } from './open-files.js';
import {
  type CollectionStats,
  type ProcessInfo,
  processesOf,
  type SkippedFile,
  skippedByReason,
  statsOf,
} from './report.js';

export interface CollectionOptions {
  readonly dir: string;
  readonly deadRetentionSeconds: number;
  /** Maximum number of files that stay open between two scrapes. */
  readonly maxOpenFiles: number;
}

/**
 * If the directory changes during this many passes, the last one is used. A fold is followed by a pause of ten times its
 * duration.
 */
const MAX_PASSES = 20;
/** Declarations are known after the first pass, so that normally the second is the last. */
const MAX_RESTARTS = 5;
const HOUR_SECONDS = 3600;

export class DirectoryCollection {
  readonly options: CollectionOptions;
  readonly index = new MergeIndex();
  /** When the values were last merged, in milliseconds since the epoch. */
  collectedAtMs = 0;
  /** Number of files under temporary names that the last collection found and that killed processes have left. */
  leftovers = 0;
  readonly #files = new Map<string, MetricsFile>();
  readonly #context: FileContext;
  readonly #badFiles = new BadFiles();
  #trust: Trust = () => true;
  #pushes: readonly string[] = [];
  #skipped = new Map<string, SkippedFile>();
  #archiveHour = 0;
  #archive: ArchiveRecord | undefined;
  readonly #openFiles: OpenFiles;
  readonly #archiveLoss: ArchiveLoss;
  /** A deleted archive that is still shown. */
  #lostArchive: NodeFile | undefined;
  #filesKey = '';
  #unusableSeries = 0;
  readonly #requestRates = new RequestRates();

  constructor(options: CollectionOptions) {
    this.options = options;
    const python = { samples: new PythonSamples(), liveness: new PythonLiveness() };
    this.#context = { ...options, index: this.index, probe: new LivenessProbe(), python };
    this.#openFiles = new OpenFiles(options.maxOpenFiles);
    this.#archiveLoss = new ArchiveLoss(options.dir);
  }

  /**
   * Reads the changes and merges all values. Pauses between files, and within large ones.
   *
   * @param mayWrite whether it may restore a deleted archive
   * @throws {PromMultiprocError} where the directory itself cannot be read
   * @throws {NodeJS.ErrnoException} EMFILE, ENFILE, ENOMEM, EIO: the sums would lack the files that could not be read
   */
  *collect(mayWrite = false): Generator<void, void> {
    for (let pass = 1; ; pass++) {
      const found = yield* this.#scan();
      this.leftovers = yield* this.#countLeftovers(found);
      this.#pushes = found.pushes;
      this.#skipped.clear();
      yield* this.#readFiles(found, mayWrite);
      if (this.index.wasteful) yield* this.#readAgain();
      for (let again = 0; this.index.decide() && again < MAX_RESTARTS; again++) yield* this.#readAgain();
      if (this.#isSettled(found, yield* this.#scan()) || pass === MAX_PASSES) break;
      yield;
    }
    this.#tellOfSkippedFiles();
    if (this.#lostArchive !== undefined) warnOfLoss(this.options.dir, this.#lostArchive);
    yield* this.#merge();
  }

  /** The files that the last collection has read. */
  get files(): MetricsFile[] {
    return [...this.#files.values()];
  }

  /** @param selected the families whose series and conflicts are counted */
  stats(selected: SelectedFamilies): CollectionStats {
    const { pidConflicts } = this.index;
    const found = { skipped: this.skipped, unusableSeries: this.#unusableSeries, archive: this.#archive };
    return statsOf(this.files, selected, { ...found, pidConflicts });
  }

  /** The families of an output; update it after every collection. */
  select(selection: Selection, reserved?: readonly Named[]): SelectedFamilies {
    return new SelectedFamilies(this.index, selection, reserved);
  }

  /** The records of pushes, as they are now. */
  pushes(): PushRecord[] {
    return this.#pushes.flatMap((name) => pushRecordIn(join(this.options.dir, name), this.#trust) ?? []);
  }

  /** The processes with the rates of their HTTP requests. */
  workers(): ProcessInfo[] {
    const rates = this.#requestRates.of(requestCounts(this.files, this.index.declared()), this.collectedAtMs);
    return processesOf(this.files, (file) => rates.get(file));
  }

  /** Number of files that the last collection could not read, by reason. */
  get skipped(): Record<SkipReason, number> {
    return skippedByReason(this.skippedFiles);
  }

  /** Files that the last collection could not read. */
  get skippedFiles(): SkippedFile[] {
    return [...this.#skipped.values()];
  }

  close(): void {
    for (const name of this.#files.keys()) this.#drop(name);
  }

  *#readFiles(found: DirectoryScan, mayWrite: boolean): Generator<void, void> {
    this.#trust = trustIn(this.options.dir);
    const archive = yield* this.#readArchive(found, mayWrite);
    this.#archive = archive?.part.archive;
    const absorbed = this.#archive?.absorbed;
    const foreign = found.foreign.filter(isMetricsFile);
    const ours = found.dataFiles.filter(({ id }) => absorbed?.has(id) !== true);
    const wanted = [...ours.map(({ name }) => name), ...foreign];
    const names = new Set(wanted);
    if (archive !== undefined) names.add(archive.name);
    for (const name of [...this.#files.keys()]) if (!names.has(name)) this.#drop(name);
    this.#context.probe.retain(found.dataFiles.map(({ id }) => id));
    surveyFiles(foreign, this.#context);
    this.#badFiles.retain((name) => names.has(name) || found.archives.some((each) => each.name === name));
    for (const name of wanted) {
      yield* this.#read(name);
      yield;
    }
    this.#orderFiles();
  }

  /**
   * Whether the files that were read existed together at one moment. An archive that was published meanwhile contains
   * counts of files that were read before; and a file that was removed while it was read may have been read without its
   * pages.
   */
  #isSettled(found: DirectoryScan, after: DirectoryScan): boolean {
    if (found.archives[0]?.generation !== after.archives[0]?.generation) return false;
    const names = new Set([...[...after.dataFiles, ...after.archives].map(({ name }) => name), ...after.foreign]);
    return this.files.every((file) => names.has(file.name) || file === this.#lostArchive);
  }

  /** The archive that counts: the newest one, or a deleted one that was shown before. */
  *#readArchive(found: DirectoryScan, mayWrite: boolean): Generator<void, NodeFile | undefined> {
    const shown = this.files.find((file) => file.kind === 'archive') as NodeFile | undefined;
    const newest = yield* this.#newestArchive(found);
    const loss = yield* this.#archiveLoss.after(shown, newest, found, mayWrite);
    this.#lostArchive = loss === 'lost' ? shown : undefined;
    if (loss !== 'restored') return this.#lostArchive ?? newest;
    this.#drop(shown!.name);
    return (yield* this.#read(shown!.name)) as NodeFile | undefined;
  }

  /** The newest archive that is readable and trusted. */
  *#newestArchive({ archives, dataFiles }: DirectoryScan): Generator<void, NodeFile | undefined> {
    const hour = Math.floor(Date.now() / 1000 / HOUR_SECONDS);
    for (const { name } of archives) {
      // gauges of processes that ended too long ago leave the archive's part, hour by hour
      if (hour !== this.#archiveHour) this.#drop(name);
      const file = yield* this.#read(name);
      if (!(file instanceof NodeFile) || !(yield* this.#isBelieved(file, dataFiles))) continue;
      this.#archiveHour = hour;
      return file;
    }
    return undefined;
  }

  *#isBelieved(archive: NodeFile, dataFiles: readonly DataFileName[]): Generator<void, boolean> {
    const { name, reader, fingerprint, part } = archive;
    try {
      const believed = { file: reader.file, record: part.archive! };
      const { dir, probe } = this.#context;
      yield* this.#openFiles.withRoom(() => assertTrueClaims(dir, believed, dataFiles, probe));
      return true;
    } catch (error) {
      if (isSystemTrouble(error)) throw error;
      this.#badFiles.note(name, fingerprint, error);
      this.#skip(name, error);
      return false;
    }
  }

  *#countLeftovers({ temporaries }: DirectoryScan): Generator<void, number> {
    let leftovers = 0;
    for (const name of temporaries) {
      if (isLeftover(join(this.options.dir, name))) leftovers++;
      yield;
    }
    return leftovers;
  }

  #scan(): Generator<void, DirectoryScan> {
    return this.#openFiles.withRoom(() => scanInSteps(this.options.dir));
  }

  #read(name: string): Generator<void, MetricsFile | undefined> {
    return this.#openFiles.withRoom(() => this.#tryToRead(name));
  }

  *#tryToRead(name: string): Generator<void, MetricsFile | undefined> {
    let file = this.#files.get(name);
    let fingerprint: string | undefined;
    try {
      if (file === undefined) {
        file = openMetricsFile(name, this.#context);
        this.#files.set(name, file);
        fingerprint = file.fingerprint;
        this.#badFiles.assertNotKnown(name, fingerprint);
      }
      assertTrusted(this.#trust, file.reader);
      file.look(Date.now() / 1000);
      if (!file.isFinal) yield* file.read();
      this.#openFiles.limit(file);
      return file;
    } catch (error) {
      if (isSystemTrouble(error)) {
        // a part of it may be merged already; the file that replaces it has no position in the order yet
        this.#drop(name);
        this.#filesKey = '';
        throw error;
      }
      if (fingerprint !== undefined) this.#badFiles.note(name, fingerprint, error);
      this.#skip(name, error);
      return undefined;
    }
  }

  #skip(name: string, error: unknown): void {
    this.#drop(name);
    // removed between the listing and the opening: the listing after this pass shows whether that matters
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    debug('skips %s: %s', name, describeError(error));
    this.#skipped.set(name, { name, reason: skipReason(error), error: describeError(error) });
  }

  #drop(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    file.part.remove();
    file.reader.close();
    this.#openFiles.forget(file);
    this.#files.delete(name);
  }

  /** Reads every file again from its beginning: the declarations are known by now. */
  *#readAgain(): Generator<void, void> {
    for (const { part } of this.#files.values()) part.rewind();
    this.index.restart();
    for (const name of [...this.#files.keys()]) {
      yield* this.#read(name);
      yield;
    }
    this.#orderFiles();
  }

  /** Archive first, then dead writers, then living ones, each oldest first: gauges are merged in this order. */
  #orderFiles(): void {
    const rank = ({ kind, liveness }: MetricsFile): number => (kind === 'archive' ? 0 : liveness === 'dead' ? 1 : 2);
    const ordered = this.files.toSorted((a, b) => rank(a) - rank(b) || compareAge(a.writer, b.writer));
    const key = ordered.map(({ name }) => name).join();
    if (key === this.#filesKey) return;
    this.#filesKey = key;
    this.#files.clear();
    this.index.forgetOrder();
    ordered.forEach((file, at) => {
      this.#files.set(file.name, file);
      file.part.order = at;
      file.part.declareOrder();
    });
  }

  *#merge(): Generator<void, void> {
    this.collectedAtMs = Date.now();
    if (this.index.createdStale) {
      this.index.forgetCreated();
      for (const { part } of this.#files.values()) part.declareCreated();
    }
    do {
      this.index.clear();
      for (const { part } of this.#files.values()) {
        part.addValues(this.collectedAtMs / 1000);
        yield;
      }
    } while (this.index.native.isIncomplete);
    this.index.settle();
    const overflowing = warnOfOverflow(this.index.overflowing);
    this.#unusableSeries = overflowing + warnOfUnusableSeries(this.options.dir, this.#files.values());
  }

  /** Called when no further pass follows. */
  #tellOfSkippedFiles(): void {
    for (const { name, reason, error } of this.#skipped.values()) {
      // other users can create any number of files, each under a new name
      const what = reason === 'owner' ? this.options.dir : join(this.options.dir, name);
      warnOnce(`skip ${what} ${reason}`, `a metrics file is skipped: ${error}`);
    }
  }
}
