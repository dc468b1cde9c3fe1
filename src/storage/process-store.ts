/**
 * The only store of this process (or worker thread), created when the first metric needs it.
 * It counts in a file where a directory is known, and otherwise in memory: one process without threads. Every few seconds
 * it checks whether its file is still usable, or the disk has room again. No error in these checks reaches the application.
 */
import cluster from 'node:cluster';
import { subscribe } from 'node:diagnostics_channel';
import { isMainThread } from 'node:worker_threads';
import { announceDirectory, type ChosenDirectory, chooseNamed, chooseToJoin } from '../directory/choose.js';
import { ArchiveKeeper } from '../archive/archive-keeper.js';
import { debug } from '../debug-log.js';
import { type OpenedDirectory, openDirectory } from '../directory/open-directory.js';
import { isForkingPrimary } from '../directory/role.js';
import { isUnderTestRunner } from '../test-runner.js';
import type { FileWriter } from '../metrics-file/writer.js';
import { shared } from '../copies.js';
import { describeError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { createProcessFile, removeQuietly } from './process-file.js';
import { ArchiveWatch, takeOutAbsorbed } from './absorbed-counts.js';
import { flushDuringWaits } from './blocking-wait.js';
import { FlushSchedule } from './flush-schedule.js';
import { SeriesStore } from './series-store.js';
import { readSettings, type Settings } from './settings.js';
import { expectThreads, serveThreads } from './thread-files.js';
import { Silence } from './silence.js';
import { StoreTask } from './store-task.js';
import { VitalsMeter } from './vitals-meter.js';

/** Time between checks of the file and the directory; also the interval of heartbeats. */
const MAINTENANCE_INTERVAL_MS = 5000;
const NOTICE_INTERVAL_MS = 500;

class ProcessStore {
  readonly store: SeriesStore;
  readonly #settings: Settings = readSettings();
  #chosen: ChosenDirectory | undefined;
  #directory: OpenedDirectory | undefined;
  #writer: FileWriter | undefined;
  /** Moves everything into a file, which then takes the place of `#writer`. */
  #move: StoreTask | undefined;
  /** Moves into the file what had no room there before. */
  #settling: StoreTask | undefined;
  #flushes: FlushSchedule | undefined;
  #vitals: VitalsMeter | undefined;
  readonly #silence = new Silence();
  readonly #archives = new ArchiveWatch();
  readonly #keeper = new ArchiveKeeper();
  #maintainedAt = 0;
  /** Whether `maintain` was called during a move. */
  #isDue = false;
  #warnsAtExit = false;
  #hasTimer = false;

  constructor() {
    this.store = new SeriesStore(undefined, { ...this.#settings, onNoRoom: () => this.#warnOfTrouble() });
    this.maintain();
    if (!noticesWorkers) return;
    // the first fork makes this process a primary
    cluster.on('fork', () => this.maintain());
    if (state.hasThreads) this.startTimer();
  }

  /**
   * In memory no timer runs, because it would keep every sandbox of a test runner alive. A directory is noticed when a
   * metric is created, when the metrics are read, by setupPrimary, and when the process forks. Threads of this process may
   * create one at any time.
   */
  startTimer(): void {
    if (this.#hasTimer) return;
    this.#hasTimer = true;
    const look = (): void => {
      this.maintain();
      for (const listener of state.onMaintenance) listener();
    };
    setInterval(look, MAINTENANCE_INTERVAL_MS).unref();
  }

  /** The directory of the file; undefined while the process counts in memory. */
  get directory(): ChosenDirectory | undefined {
    return this.#writer === undefined ? undefined : this.#directory;
  }

  /** Adapts to changes outside of the process. Called on a timer, and before this process serves. */
  maintain(): void {
    this.#maintainedAt = Date.now();
    this.#silence.breaks();
    try {
      if (isForkingPrimary()) this.store.becomePrimary();
      if (this.#move !== undefined) {
        // there may be another change, such as of the directory
        this.#isDue = true;
        return;
      }
      this.#isDue = false;
      if (this.#writer === undefined) return this.#open();
      if (this.#isLost(this.#writer)) this.#remake(this.#writer);
      else this.#followEnvironment();
      if (this.#move !== undefined) return;
      const directory = this.#directory!;
      directory.lock({ makesFile: true });
      // for a worker thread the main thread does that, or a collector
      if (isMainThread) void this.#keeper.keep(directory.dir);
      this.#vitals ??= new VitalsMeter(this.store, this.#settings.maxSeries);
      this.#writer.beat(this.#vitals.measure());
      this.#settle();
      this.#writer.bytes.touch();
    } catch (error) {
      warnOnce('maintain', `metrics are counted in memory for now: ${describeError(error)}`);
    }
  }

  /** `maintain`, unless it ran a moment ago. */
  maintainSoon(): void {
    if (this.#move !== undefined) return;
    if (this.#writer === undefined || Date.now() - this.#maintainedAt > MAINTENANCE_INTERVAL_MS) this.maintain();
  }

  /** Looks for a directory, unless it did so a moment ago: a program may create thousands of metrics. */
  noticeDirectory(): void {
    if (this.#writer !== undefined || this.#move !== undefined) return;
    if (Math.abs(Date.now() - this.#maintainedAt) > NOTICE_INTERVAL_MS) this.maintain();
  }

  /** `flush`, after a check of the directory, and without holding this thread up while the store moves. */
  async prepare(): Promise<void> {
    this.maintainSoon();
    for (let task = this.#task; task !== undefined; task = this.#task) await task.done;
    this.flush();
  }

  /** Makes all counts visible to readers. */
  flush(): void {
    this.#task?.finish();
    this.#flushes?.flush();
  }

  /** The work that has to end before readers see everything. */
  get #task(): StoreTask | undefined {
    return this.#move ?? this.#settling;
  }

  #open(): void {
    const chosen = chooseToJoin();
    if (chosen === undefined) return;
    debug('counts in %s, by %s', chosen.dir, chosen.source);
    this.startTimer();
    try {
      this.#enter(chosen, () => {
        // the turn that makes the first metric only does what its counts need
        setTimeout(() => this.maintain(), 0).unref();
        for (const listener of state.onFirstFile) listener();
      });
    } catch (error) {
      warnOnce(
        `open ${chosen.dir}`,
        `metrics are counted in memory, not in ${JSON.stringify(chosen.dir)}: ${describeError(error)}`,
      );
    }
  }

  /**
   * Creates a file and moves everything into it. On an error all stays as it was.
   *
   * @param moved called when everything is in the new file; it may be on a later turn
   * @param created called before anything moves
   */
  #enter(chosen: ChosenDirectory, moved: () => void, created?: () => void): void {
    const [former, directory] = [this.#directory, openDirectory(chosen, this.#settings)];
    for (const warning of directory.warnings) warnOnce(`directory ${warning}`, warning);
    let writer: FileWriter;
    try {
      writer = createProcessFile(directory, this.#settings.maxBytes);
    } catch (error) {
      directory.close();
      throw error;
    }
    created?.();
    this.#directory = directory;
    this.#chosen = chosen;
    announceDirectory(chosen);
    if (writer.kind === 'mapped') expectThreads(directory, this.#settings.maxBytes);
    this.#move = new StoreTask(this.store.moveInSteps(writer), () => {
      this.#move = undefined;
      this.#countIn(writer);
      this.#warnOfTrouble();
      moved();
      former?.close();
      if (this.#isDue) this.maintain();
    });
    this.#move.start();
  }

  #settle(): void {
    if (this.#settling !== undefined) return;
    this.#settling = new StoreTask(this.store.settleInSteps(), () => {
      this.#settling = undefined;
      this.#warnOfTrouble();
    });
    this.#settling.start();
  }

  #countIn(writer: FileWriter): void {
    debug('counts in %s, which is %s', writer.bytes.path, writer.kind);
    this.#writer = writer;
    if (this.#vitals !== undefined) writer.beat(this.#vitals.measure());
    if (writer.kind === 'written') this.#flushOnTimer();
  }

  /** Whether counts in this file have no effect: the file was removed, was damaged from outside, or is in an archive. */
  #isLost(writer: FileWriter): boolean {
    // this is first: where the file was truncated, the mapping must not be touched
    return !writer.bytes.isIntact() || writer.bytes.isLinked() === false || this.#isAbsorbed(writer);
  }

  /** Whether a fold has taken this process for dead, so that an archive contains the counts of its file. */
  #isAbsorbed({ kind, bytes }: FileWriter): boolean {
    if (kind === 'mapped' || (bytes.isLinked() !== false && !this.#silence.brokenLately)) return false;
    return this.#archives.names(this.#directory!.dir, bytes.path);
  }

  /** Replaces a file that no reader sees any more, with all counts except those that an archive has. */
  #remake(old: FileWriter): void {
    const { path } = old.bytes;
    const isAbsorbed = this.#isAbsorbed(old);
    const why = isAbsorbed
      ? 'was folded, as that of a process that seemed to be dead'
      : old.bytes.isLinked() === false
        ? 'was deleted while in use'
        : 'was cut off or written over by another program';
    warnOnce(`remake, it ${why}`, `${JSON.stringify(path)} ${why}; it is created again`);
    const moved = (): void => {
      if (old.bytes.isLinked() === true) removeQuietly(old);
      else old.close();
    };
    this.#enter(this.#chosen!, moved, () => {
      if (isAbsorbed) takeOutAbsorbed(this.store, old.bytes);
    });
  }

  /** Moves to another directory that the application has named since then, as `setupPrimary` does. */
  #followEnvironment(): void {
    const chosen = chooseNamed();
    if (chosen === undefined || chosen.dir === this.#chosen?.dir) return;
    debug('counts in %s from now on, by %s', chosen.dir, chosen.source);
    const old = this.#writer;
    this.#enter(chosen, () => {
      // the counts have moved: they must not count in the old place too
      if (old !== undefined) removeQuietly(old);
    });
  }

  /** Also writes what has moved, before the former place is given up. */
  #flushOnTimer(): void {
    if (this.#flushes !== undefined) {
      this.#flushes.flush();
      return;
    }
    const flushes = new FlushSchedule(() => this.#write());
    this.#flushes = flushes;
    flushes.start();
    if (!isMainThread) flushDuringWaits(flushes);
    process.on('exit', () => this.#end());
  }

  /** Deleted files are not created again at the end of the process: an operator may have cleaned up while ending it. */
  #end(): void {
    this.#silence.breaks();
    if (this.#writer !== undefined && this.#isAbsorbed(this.#writer)) this.maintain();
    this.#move?.finish();
    this.#writer?.close();
  }

  #write(): void {
    if (this.#writer === undefined) return;
    // a fold may have taken this process for dead; and where no timer runs, nothing else maintains the file
    if (this.#silence.breaks()) this.maintain();
    else this.maintainSoon();
    if (this.#move !== undefined) return;
    // a flush to a removed file would be missing from the file that replaces it
    if (this.#writer.bytes.isLinked() === false || this.#writer.flush()) return;
    const { path, lastError } = this.#writer.bytes;
    warnOnce(
      'flush',
      `${JSON.stringify(path)} could not be written; the write is repeated: ${describeError(lastError)}`,
    );
  }

  #warnOfTrouble(): void {
    const { bytesInMemory } = this.store.status;
    if (bytesInMemory === 0) return;
    // the file is being filled; the end of the move warns
    if (this.#writer === undefined || this.#move !== undefined) return;
    warnOnce('in memory', `some metrics are counted in memory until there is room: ${this.#reason()}`);
    if (this.#warnsAtExit) return;
    this.#warnsAtExit = true;
    // it has to run before the listener that closes a written file
    process.prependListener('exit', () => this.#warnOfLoss());
  }

  #warnOfLoss(): void {
    this.#move?.finish();
    this.store.settle();
    const series = this.store.unseenSeries;
    if (series === 0) return;
    const { liveSeries, bytesInMemory } = this.store.status;
    const lost = `${series} of ${liveSeries} series, ${bytesInMemory} bytes`;
    warnOnce('lost', `${lost}, are lost with this process, because its file had no room for them: ${this.#reason()}`);
  }

  #reason(): string {
    return describeError(this.#writer?.bytes.lastError);
  }
}

interface State {
  store: ProcessStore | undefined;
  /** Whether this process has started worker threads. */
  hasThreads: boolean;
  readonly onFirstFile: (() => void)[];
  readonly onMaintenance: (() => void)[];
}

const noticesWorkers = isMainThread && !isUnderTestRunner();

const state = shared('process store', (): State => {
  const made: State = { store: undefined, hasThreads: false, onFirstFile: [], onMaintenance: [] };
  // at import: a thread finds the state from when it was started
  serveThreads();
  if (!noticesWorkers) return made;
  subscribe('worker_threads', () => {
    made.hasThreads = true;
    made.store?.startTimer();
  });
  return made;
});

/** Registers a function that is called when the process, which counted in memory so far, gets a file that others read. */
export function onFirstFile(listener: () => void): void {
  state.onFirstFile.push(listener);
}

/** Registers a function that is called every few seconds while the process has a file, or may get one. */
export function onMaintenance(listener: () => void): void {
  state.onMaintenance.push(listener);
}

/** The store of all metrics in merged output. */
export function sharedStore(): SeriesStore {
  if (state.store === undefined) state.store = new ProcessStore();
  else state.store.noticeDirectory();
  return state.store.store;
}

/** The directory that this process counts in; undefined where it counts in memory or has no store. */
export function storeDirectory(): ChosenDirectory | undefined {
  return state.store?.directory;
}

/** Makes all counts visible to readers, also in a directory that was created a moment ago. */
export async function prepareStore(): Promise<void> {
  await state.store?.prepare();
}

/** Runs the check of every few seconds at once. */
export function maintainStore(): void {
  state.store?.maintain();
}

/** Makes all counts visible to readers; no effect for a mapped file. */
export function flushStore(): void {
  state.store?.flush();
}
