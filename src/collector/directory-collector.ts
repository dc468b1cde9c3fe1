/** Reads one directory for a process: joins concurrent requests, chooses the thread, and starts folds of dead files. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_DEAD_RETENTION_SECONDS } from '../archive/fold-options.js';
import type { FoldResult } from '../archive/fold-result.js';
import { type ChosenDirectory, chooseOption } from '../directory/choose.js';
import { existingTarget } from '../directory/check-directory.js';
import { joinDirectory, type OpenedDirectory } from '../directory/open-directory.js';
import { scanInSteps } from '../directory/scan.js';
import { touchScraped } from '../directory/scraped.js';
import { surveyLocks } from '../directory/writer-locks.js';
import { debug } from '../debug-log.js';
import { describeError, invalidArgument, isSystemTrouble, PromMultiprocError } from '../errors.js';
import { programFile } from '../program-file.js';
import type { MetricFamily } from '../model/metric-family.js';
import { runCollectCallbacks } from '../registry/collect-callbacks.js';
import { warnOnce } from '../warn-once.js';
import { prepareStore } from '../storage/process-store.js';
import { AutomaticFolding, type FoldSettings } from './automatic-folding.js';
import type { CollectionOptions } from './collection.js';
import type { ThreadResult, ThreadTask } from './collection-thread.js';
import type { DirectoryStatus, StatusRequest } from './directory-status.js';
import {
  type BodyRequest,
  type Collected,
  type CollectionRequest,
  Engine,
  type OutputSettings,
  type Product,
  productKey,
  type Results,
} from './engine.js';
import { directoryToRead } from './directory-to-read.js';
import { isMetricsFile } from './file-kinds.js';
import { LockWatch } from './held-locks.js';
import { type LentBody, LentBodies } from './lent-bodies.js';
import { unpackFamilies } from './packed-families.js';
import { mergeBytesOf } from './report.js';
import { TaskThread } from './task-thread.js';
import { TimeSlices } from '../time-slices.js';

/** How a directory is read; the same for all outputs of it. */
export interface ReadingOptions {
  /** The directory to read. Default: PROMETHEUS_MULTIPROC_DIR, or the one derived for this process. */
  readonly dir?: string;
  /**
   * Whether a thread merges: always, never, or ('auto', the default) when the files are so large that merging would block
   * the event loop.
   */
  readonly threads?: boolean | 'auto';
  /** How long the gauges of a dead process are kept, in modes that keep them. Default 24 h; Infinity: for ever. */
  readonly deadRetentionSeconds?: number;
  /**
   * Maximum number of files that stay open between two scrapes; never more than a quarter of the process's limit. Default
   * 256.
   */
  readonly maxOpenFiles?: number;
  /** When the files of dead processes are folded, and how much of them is kept; `false`: only by `fold()`. */
  readonly fold?: FoldSettings | false;
  /**
   * Forbids writes in the directory: files of dead processes are folded only by `fold()`, and the processes do not notice
   * this reader, so that their `collect()` callbacks run only for other readers. Default false.
   */
  readonly readOnly?: boolean;
  /**
   * After this time without a scrape the index is dropped and the thread ends; it ends too when for this time the files were
   * small. A thread that failed is tried again after this time. Default 5 minutes.
   */
  readonly idleMs?: number;
}

/** As `mergeBytesOf` counts: beyond it a thread merges. About 15,000 series, which take 15 ms the first time. */
const THREAD_AT_BYTES = 1024 * 1024;
/** After this time the event loop may turn. */
const SLICE_MS = 3;
const THREAD_FILE = programFile('collector/collection-thread.js');

interface Batch {
  readonly products: Map<string, Product>;
  readonly collected: Promise<Collected>;
}

/**
 * Collects for many callers at once: calls in one turn of the event loop share one collection, and calls during a
 * collection share the next, so that every result contains all counts from before its call.
 */
export class DirectoryCollector {
  readonly #options: Required<Omit<ReadingOptions, 'dir'>> & { dir: ChosenDirectory | undefined };
  #running: Promise<unknown> = Promise.resolve();
  #next: Batch | undefined;
  #engine: Engine | undefined;
  readonly #thread: TaskThread<ThreadTask, ThreadResult>;
  /** By the clock of `performance.now()`; merging is inline until then, because the thread has failed. */
  #threadRestsUntil = 0;
  /** By the same clock: when the files were last so large that they are merged in a thread. */
  #threadWantedAt = 0;
  #joined: OpenedDirectory | undefined;
  #dir: string | undefined;
  #idleTimer: NodeJS.Timeout | undefined;
  #closed = false;
  readonly #folding: AutomaticFolding;
  readonly #locks = new LockWatch();
  readonly #lent = new LentBodies();

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(options: ReadingOptions = {}) {
    this.#options = {
      dir: options.dir === undefined ? undefined : chooseOption(options.dir),
      threads: options.threads ?? 'auto',
      deadRetentionSeconds: positive(
        'deadRetentionSeconds',
        options.deadRetentionSeconds ?? DEFAULT_DEAD_RETENTION_SECONDS,
      ),
      maxOpenFiles: positive('maxOpenFiles', options.maxOpenFiles ?? 256),
      idleMs: positive('idleMs', options.idleMs ?? 5 * 60_000),
      fold: options.fold ?? {},
      readOnly: options.readOnly ?? false,
    };
    this.#thread = new TaskThread({ file: THREAD_FILE, idleMs: this.#options.idleMs });
    this.#folding = new AutomaticFolding(this.#options.fold, this.#options.deadRetentionSeconds);
  }

  /**
   * A product of a collection, which concurrent calls share.
   *
   * @throws {PromMultiprocError} ERR_NO_DIRECTORY, ERR_PERMISSION, ERR_DIRECTORY_REFUSED or ERR_CLOSED
   */
  async collect<P extends Product>(product: P): Promise<Results[P['kind']]> {
    if (this.#closed) throw closedError();
    this.#next ??= this.#batch();
    const key = productKey(product);
    this.#next.products.set(key, product);
    const { results } = await this.#next.collected;
    return results.get(key) as Results[P['kind']];
  }

  /** One exposition, encoded. Throws as `collect` does. */
  async body(request: BodyRequest, settings: OutputSettings): Promise<Uint8Array> {
    return (await this.collect({ kind: 'body', settings, ...request })).body;
  }

  /** An exposition that the caller gives back, and the names of selected families that cannot be merged. */
  async lentBody(
    request: BodyRequest,
    settings: OutputSettings,
  ): Promise<LentBody & { readonly missing: readonly string[] }> {
    const { body, loan, missing } = await this.collect({ kind: 'body', settings, ...request, isLent: true });
    return { ...this.#lent.lend(body, loan), missing };
  }

  async families(settings: OutputSettings): Promise<MetricFamily[]> {
    return (await this.collect({ kind: 'families', settings })).families;
  }

  /** @param isBackground whether no caller waits for it: then no `collect()` of the application runs for it alone */
  async status(settings: OutputSettings, request: StatusRequest, isBackground = false): Promise<DirectoryStatus> {
    return this.collect({ kind: 'status', settings, isBackground, ...request });
  }

  /** Folds the files of dead processes into the archive now. Throws as `collect` does. */
  async fold(): Promise<FoldResult> {
    if (this.#closed) throw closedError();
    // not during a collection, whose engine is dropped where there is another directory now
    const located = this.#running.catch(() => {}).then(() => this.#locate());
    this.#running = located;
    return this.#folding.now(await located);
  }

  /** Ends the thread and closes all files, after the present collection or fold. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running.catch(() => {});
    await this.#folding.settled();
    this.#drop();
    this.#joined?.close();
    this.#joined = undefined;
  }

  #batch(): Batch {
    const products = new Map<string, Product>();
    const collected = this.#running
      .catch(() => {})
      .then(() => ([...products.values()].every(isForNobody) ? undefined : runCollectCallbacks()))
      .then(() => {
        // later callers may have counts that this collection misses
        this.#next = undefined;
        return this.#run([...products.values()]);
      });
    this.#running = collected;
    return { products, collected };
  }

  async #run(products: readonly Product[]): Promise<Collected> {
    await prepareStore();
    const dir = this.#locate();
    const isScrape = !this.#options.readOnly && products.some(isShown);
    if (isScrape) touchScraped(dir);
    // never during a collection, however long it takes
    clearTimeout(this.#idleTimer);
    try {
      const heldLocks = this.#locks.held(dir, this.#joined);
      const returned = this.#lent.take();
      const collected = await this.#collectFrom(dir, { products, heldLocks, isScrape, returned });
      if (isScrape && !this.#closed) this.#folding.consider(dir, collected);
      return collected;
    } finally {
      if (!this.#closed) this.#startIdleTimer();
    }
  }

  async #collectFrom(dir: string, request: CollectionRequest): Promise<Collected> {
    const { deadRetentionSeconds, maxOpenFiles } = this.#options;
    const options: CollectionOptions = { dir, deadRetentionSeconds, maxOpenFiles };
    if (await this.#usesThread(dir)) {
      try {
        const locks = await new TimeSlices(SLICE_MS).run(surveyLocks(dir));
        const task = { key: JSON.stringify(options), options, ...request, locks };
        const result = await this.#thread.run(task);
        await this.#endUnwantedThread(result.mergeBytes);
        return await unpacked(result);
      } catch (error) {
        if (error instanceof PromMultiprocError || isSystemTrouble(error) || this.#closed) throw error;
        warnOnce('thread', `metrics are merged on the main thread: ${describeError(error)}`);
        this.#threadRestsUntil = performance.now() + this.#options.idleMs;
        await this.#thread.close();
      }
    }
    this.#engine ??= new Engine(options);
    const collected = await new TimeSlices(SLICE_MS).run(this.#engine.collect(request));
    // the next collection runs in a thread, which does not use this index
    if (this.#wantsThread(collected.mergeBytes) && this.#mayUseThread()) this.#dropEngine();
    return collected;
  }

  #locate(): string {
    const chosen = this.#options.dir ?? directoryToRead();
    if (chosen === undefined) {
      throw new PromMultiprocError(
        'ERR_NO_DIRECTORY',
        'no metrics directory: set PROMETHEUS_MULTIPROC_DIR or give the option dir (in a cluster primary, call setupPrimary first)',
      );
    }
    // a directory that this package chooses is private to its processes, but a reader may be another user
    const readable = { ...chosen, derived: false };
    const dir = existingTarget(readable) ?? chosen.dir;
    if (dir !== this.#dir) {
      debug('reads %s, by %s', dir, chosen.source);
      this.#drop();
      this.#dir = dir;
    }
    // the lock prevents a sweep of the directory while this collector uses it
    if (this.#joined?.isLocked !== true || this.#joined.dir !== dir) {
      this.#joined?.close();
      this.#joined = joinDirectory(readable);
    }
    return dir;
  }

  async #usesThread(dir: string): Promise<boolean> {
    if (this.#engine !== undefined) return false;
    if (!this.#thread.isOpen) {
      const isWanted = this.#wantsThread(await new TimeSlices(SLICE_MS).run(mergeBytesIn(dir)));
      if (!isWanted) return false;
      this.#threadWantedAt = performance.now();
    }
    return this.#mayUseThread();
  }

  #wantsThread(mergeBytes: number): boolean {
    const { threads } = this.#options;
    return threads === 'auto' ? mergeBytes > THREAD_AT_BYTES : threads;
  }

  /** The directory may have been large only until its files of dead processes were folded. */
  async #endUnwantedThread(mergeBytes: number): Promise<void> {
    if (this.#wantsThread(mergeBytes)) this.#threadWantedAt = performance.now();
    else if (performance.now() - this.#threadWantedAt > this.#options.idleMs) await this.#thread.close();
  }

  #mayUseThread(): boolean {
    if (performance.now() < this.#threadRestsUntil) return false;
    if (existsSync(THREAD_FILE)) return true;
    warnOnce(
      'thread file',
      `metrics are merged on the main thread: ${THREAD_FILE} is not there (a bundled application?)`,
    );
    return false;
  }

  #startIdleTimer(): void {
    this.#idleTimer = setTimeout(() => this.#dropEngine(), this.#options.idleMs);
    this.#idleTimer.unref();
  }

  #dropEngine(): void {
    this.#engine?.close();
    this.#engine = undefined;
  }

  #drop(): void {
    clearTimeout(this.#idleTimer);
    this.#idleTimer = undefined;
    this.#dropEngine();
    void this.#thread.close();
  }
}

function closedError(): PromMultiprocError {
  return new PromMultiprocError('ERR_CLOSED', 'this collector is closed: create another one');
}

async function unpacked({ packed, ...collected }: ThreadResult): Promise<Collected> {
  const slices = new TimeSlices(SLICE_MS);
  for (const [key, parts] of packed) {
    (collected.results.get(key) as Results['families']).families = await slices.run(unpackFamilies(parts));
  }
  return collected;
}

/** Pauses between files. */
function* mergeBytesIn(dir: string): Generator<void, number> {
  let bytes = 0;
  const { dataFiles, archives, foreign } = yield* scanInSteps(dir);
  const ours = [...dataFiles, ...archives].map(({ name }) => name);
  for (const name of [...ours, ...foreign.filter(isMetricsFile)]) {
    bytes += mergeBytesOf(statSync(join(dir, name), { throwIfNoEntry: false })?.size ?? 0);
    yield;
  }
  return bytes;
}

/** Whether the product is served to Prometheus; otherwise it is a status of the directory. */
function isShown({ kind }: Product): boolean {
  return kind === 'body' || kind === 'families';
}

function isForNobody(product: Product): boolean {
  return product.kind === 'status' && product.isBackground === true;
}

function positive(name: string, value: number): number {
  if (typeof value === 'number' && value > 0) return value;
  throw invalidArgument(`${name} is ${String(value)}: it must be a number above 0`);
}
