/**
 * The one store of this process (or worker thread), made when the first metric needs it.
 *
 * It counts in a file where a directory is known, and in memory where none is: one process without threads.
 * Every few seconds it looks whether that is still right: a directory has appeared, the file was deleted, the disk has
 * room again. Nothing of that throws into the application.
 */
import { existsSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { announceDirectory, locateDirectory, type LocatedDirectory, threadDirectory } from '../directory/locate.js';
import { type OpenedDirectory, openDirectory } from '../directory/open-directory.js';
import type { FileWriter } from '../metrics-file/writer.js';
import { describeError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { createProcessFile } from './process-file.js';
import { ArchiveWatch, takeOutAbsorbed } from './absorbed-counts.js';
import { MemoryBacking } from './memory-backing.js';
import { flushDuringWaits } from './blocking-wait.js';
import { FlushSchedule } from './flush-schedule.js';
import type { SeriesFamily } from './series.js';
import { SeriesStore } from './series-store.js';
import { readSettings, type Settings } from './settings.js';
import { Silence } from './silence.js';

/** Between looks at the file and the directory; also the heartbeat. */
const TEND_INTERVAL_MS = 5000;

class ProcessStore {
  readonly store: SeriesStore;
  readonly #settings: Settings = readSettings();
  #located: LocatedDirectory | undefined;
  #directory: OpenedDirectory | undefined;
  #writer: FileWriter | undefined;
  #flushes: FlushSchedule | undefined;
  readonly #silence = new Silence();
  readonly #archives = new ArchiveWatch();
  #lastTended = 0;

  constructor() {
    this.store = new SeriesStore(new MemoryBacking(), { ...this.#settings, onFull: sayFull });
    this.tend();
    setInterval(() => this.tend(), TEND_INTERVAL_MS).unref();
  }

  /** Where the file is; undefined while counting in memory. */
  get dir(): string | undefined {
    return this.#writer === undefined ? undefined : this.#directory?.dir;
  }

  /** Puts right what has changed outside. Called on a timer, and before this process serves. */
  tend(): void {
    this.#lastTended = Date.now();
    this.#silence.breaks();
    try {
      if (this.#writer === undefined) this.#open();
      else if (this.#writer.bytes.isLinked() === false || this.#isAbsorbed(this.#writer)) this.#remake(this.#writer);
      else if (process.env.PROMETHEUS_MULTIPROC_DIR !== undefined) this.#followEnvironment();
      this.#writer?.beat();
      this.store.settle();
      this.#warnOfTrouble();
      this.#writer?.bytes.touch();
    } catch (error) {
      warnOnce('tend', `metrics are counted in memory for now: ${describeError(error)}`);
    }
  }

  /** `tend`, unless that was a moment ago. */
  tendSoon(): void {
    if (this.#writer === undefined || Date.now() - this.#lastTended > TEND_INTERVAL_MS) this.tend();
  }

  /** Brings what was counted to where readers find it. */
  flush(): void {
    this.#flushes?.flush();
  }

  #open(): void {
    const located = locateDirectory() ?? existing(threadDirectory());
    if (located === undefined) return;
    try {
      this.#directory = openDirectory(located, this.#settings);
      for (const warning of this.#directory.warnings) warnOnce(`directory ${warning}`, warning);
      this.#move();
      this.#located = located;
      announceDirectory(located);
      firstFileMade();
    } catch (error) {
      this.#directory?.close();
      this.#directory = undefined;
      warnOnce(
        `open ${located.dir}`,
        `metrics are counted in memory, not in ${JSON.stringify(located.dir)}: ${describeError(error)}`,
      );
    }
  }

  /** Makes a file and moves everything into it. */
  #move(beforehand = (): void => {}): void {
    const writer = createProcessFile(this.#directory!, this.#settings.maxBytes);
    beforehand();
    this.store.moveTo(writer);
    writer.flush();
    this.#writer = writer;
    if (writer.kind === 'written') this.#flushOnTimer();
  }

  /** Whether an archive has what the file holds, since somebody has taken this process for dead. */
  #isAbsorbed({ kind, bytes }: FileWriter): boolean {
    if (kind === 'mapped' || (bytes.isLinked() !== false && !this.#silence.brokenLately)) return false;
    return this.#archives.names(this.#directory!.dir, bytes.path);
  }

  /** Another file takes the place of one that no reader sees any more, with all that was counted and that no archive has. */
  #remake(old: FileWriter): void {
    const directory = this.#directory;
    const { path } = old.bytes;
    const isAbsorbed = this.#isAbsorbed(old);
    const why = isAbsorbed ? 'was folded, as that of a process that seemed to be dead' : 'was deleted while in use';
    warnOnce(`remake, it ${why}`, `${JSON.stringify(path)} ${why}; it is made anew`);
    this.#directory = openDirectory(this.#located!, this.#settings);
    directory?.close();
    this.#move(() => {
      if (isAbsorbed) takeOutAbsorbed(this.store, old.bytes);
    });
    if (old.bytes.isLinked() === true) removeQuietly(old);
    else old.close();
  }

  /** The application has named another directory since: as `setupPrimary` does for itself. */
  #followEnvironment(): void {
    const located = locateDirectory();
    if (located === undefined || located.dir === this.#directory?.dir) return;
    const [old, directory] = [this.#writer, this.#directory];
    this.#directory = openDirectory(located, this.#settings);
    try {
      this.#move();
    } catch (error) {
      this.#directory.close();
      this.#directory = directory;
      throw error;
    }
    this.#located = located;
    announceDirectory(located);
    // what was counted has moved: it must not count in the old place too
    if (old !== undefined) removeQuietly(old);
    directory?.close();
  }

  #flushOnTimer(): void {
    if (this.#flushes !== undefined) return;
    const flushes = new FlushSchedule(() => this.#write());
    this.#flushes = flushes;
    flushes.start();
    if (!isMainThread) flushDuringWaits(flushes);
    process.on('exit', () => this.#end());
  }

  /** A file that was deleted is not made anew for its last moments: who ends an application may have cleaned up. */
  #end(): void {
    this.#silence.breaks();
    if (this.#writer !== undefined && this.#isAbsorbed(this.#writer)) this.tend();
    this.#writer?.close();
  }

  #write(): void {
    if (this.#writer === undefined) return;
    // somebody may have taken this process for dead; and where no timer runs, nobody else tends
    if (this.#silence.breaks()) this.tend();
    else this.tendSoon();
    // what is written where no reader looks any more would be missing from what is made anew
    if (this.#writer.bytes.isLinked() === false || this.#writer.flush()) return;
    const { path, lastError } = this.#writer.bytes;
    warnOnce('flush', `${JSON.stringify(path)} could not be written, and is tried again: ${describeError(lastError)}`);
  }

  #warnOfTrouble(): void {
    const { bytesInMemory } = this.store.status;
    if (bytesInMemory === 0) return;
    const error = this.#writer?.bytes.lastError;
    warnOnce('in memory', `some metrics are counted in memory until there is room: ${describeError(error)}`);
  }
}

function sayFull({ declaration: { name } }: SeriesFamily, limit: number): void {
  warnOnce(
    `full ${name}`,
    `${name} has reached ${limit} series; samples of further ones are dropped and counted in prom_multiproc_dropped_samples_total`,
  );
}

function existing(located: LocatedDirectory): LocatedDirectory | undefined {
  return existsSync(located.dir) ? located : undefined;
}

function removeQuietly(writer: FileWriter): void {
  try {
    writer.remove();
  } catch (error) {
    warnOnce('remove', `a file that is not used any more could not be removed: ${describeError(error)}`);
  }
}

let shared: ProcessStore | undefined;
let firstFileMade = (): void => {};

/** Whether this process counts in a file, which others may read. */
export function hasFile(): boolean {
  return shared?.dir !== undefined;
}

/** Has a function called when the process, which counted in memory so far, has got a file that others read. */
export function onFirstFile(listener: () => void): void {
  firstFileMade = listener;
}

/** The store of everything that is shown in merged output. */
export function sharedStore(): SeriesStore {
  return (shared ??= new ProcessStore()).store;
}

/** A store for one metric that no shared registry shows: when nobody holds the metric any more, both are gone. */
export function localStore(): SeriesStore {
  return new SeriesStore(new MemoryBacking(), { ...readSettings(), onFull: sayFull });
}

/** The directory that this process counts in; undefined where it counts in memory or not at all. */
export function storeDirectory(): string | undefined {
  shared?.tendSoon();
  return shared?.dir;
}

/** Looks at once for what is otherwise looked for every few seconds. */
export function tendStore(): void {
  shared?.tend();
}

/** Brings what was counted to where readers find it; a no-op for a mapped file. */
export function flushStore(): void {
  shared?.flush();
}
