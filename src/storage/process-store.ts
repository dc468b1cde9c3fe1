/**
 * The one store of this process (or worker thread), made when the first metric needs it.
 *
 * It counts in a file where a directory is known, and in memory where none is: one process without threads.
 * Every few seconds it looks whether that is still right: a directory has appeared, the file was deleted, the disk has
 * room again. Nothing of that throws into the application.
 */
import { existsSync } from 'node:fs';
import { announceDirectory, locateDirectory, type LocatedDirectory, threadDirectory } from '../directory/locate.js';
import { type OpenedDirectory, openDirectory } from '../directory/open-directory.js';
import type { FileWriter } from '../mapped-file/writer.js';
import { describeError } from '../errors.js';
import { sayOnce } from '../said-once.js';
import { createProcessFile } from './process-file.js';
import { MemoryBacking } from './backing.js';
import { SeriesStore } from './series-store.js';
import { readSettings, type Settings } from './settings.js';
import type { StoredFamily } from './stored-family.js';

/** Between looks at the file and the directory; also the heartbeat. */
const TEND_INTERVAL_MS = 5000;
/** A SIGKILL loses at most this much where the file is written and not mapped. */
const FLUSH_INTERVAL_MS = 250;

class ProcessStore {
  readonly store: SeriesStore;
  readonly #settings: Settings = readSettings();
  #located: LocatedDirectory | undefined;
  #directory: OpenedDirectory | undefined;
  #writer: FileWriter | undefined;
  #flushes = false;
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
    try {
      if (this.#writer === undefined) this.#open();
      else if (this.#writer.bytes.isLinked() === false) this.#remake();
      else if (process.env.PROMETHEUS_MULTIPROC_DIR !== undefined) this.#followEnvironment();
      this.#writer?.beat();
      this.store.settle();
      this.#warnOfTrouble();
      this.#writer?.bytes.touch();
    } catch (error) {
      sayOnce('tend', `metrics are counted in memory for now: ${describeError(error)}`);
    }
  }

  /** `tend`, unless that was a moment ago. */
  tendSoon(): void {
    if (this.#writer === undefined || Date.now() - this.#lastTended > TEND_INTERVAL_MS) this.tend();
  }

  flush(): void {
    this.#writer?.flush();
  }

  /** Leaves the directory: what was counted stays there, and this process goes on in memory from nothing. For tests. */
  close(): void {
    this.#writer?.close();
    this.#directory?.close();
    this.#writer = undefined;
    this.#directory = undefined;
  }

  #open(): void {
    const located = locateDirectory() ?? existing(threadDirectory());
    if (located === undefined) return;
    try {
      this.#directory = openDirectory(located, this.#settings);
      for (const warning of this.#directory.warnings) sayOnce(`directory ${warning}`, warning);
      this.#move();
      this.#located = located;
      announceDirectory(located);
    } catch (error) {
      this.#directory?.close();
      this.#directory = undefined;
      sayOnce(
        `open ${located.dir}`,
        `metrics are counted in memory, not in ${JSON.stringify(located.dir)}: ${describeError(error)}`,
      );
    }
  }

  /** Makes a file and moves everything into it. */
  #move(): void {
    const writer = createProcessFile(this.#directory!, this.#settings.maxBytes);
    this.store.moveTo(writer);
    writer.flush();
    this.#writer = writer;
    if (writer.kind === 'written') this.#flushOnTimer();
  }

  /** The file was deleted under this process: another one takes its place, with all that was counted. */
  #remake(): void {
    const old = this.#writer;
    const directory = this.#directory;
    sayOnce('remake', `${JSON.stringify(old?.bytes.path)} was deleted while in use; it is made anew`);
    this.#directory = openDirectory(this.#located!, this.#settings);
    directory?.close();
    this.#move();
    old?.close();
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
    if (this.#flushes) return;
    this.#flushes = true;
    setInterval(() => this.flush(), FLUSH_INTERVAL_MS).unref();
    process.on('exit', () => this.#writer?.close());
  }

  #warnOfTrouble(): void {
    const { bytesInMemory } = this.store.status;
    if (bytesInMemory === 0) return;
    const error = this.#writer?.bytes.lastError;
    sayOnce('in memory', `some metrics are counted in memory until there is room: ${describeError(error)}`);
  }
}

function sayFull({ declaration: { name } }: StoredFamily, limit: number): void {
  sayOnce(
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
    sayOnce('remove', `a file that is not used any more could not be removed: ${describeError(error)}`);
  }
}

let shared: ProcessStore | undefined;

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
