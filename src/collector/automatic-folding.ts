/** Decides when a collector folds without being asked. */
import type { FoldProgress } from '../archive/fold.js';
import { assertFoldOptions, foldDue, type FoldOptions, type FoldThreshold } from '../archive/fold-options.js';
import { foldAside } from '../archive/fold-aside.js';
import type { FoldResult } from '../archive/fold-result.js';
import { debug } from '../debug-log.js';
import { describeError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { readSettings } from '../storage/settings.js';
import type { Collected } from './engine.js';

/** Settings of a collector's automatic and requested folds. */
export interface FoldSettings extends FoldThreshold, Omit<FoldOptions, 'deadRetentionSeconds' | 'properLockfile'> {}

/** The time between two folds is this many times the duration of the first: folding takes less than a tenth of a core. */
const PAUSE_FACTOR = 10;
const MIN_PAUSE_MS = 1000;
const TIDY_INTERVAL_MS = 3_600_000;
/** The time to the next fold after one that could do nothing. */
const PAUSE_AFTER_FAILURE_MS = 60_000;

export class AutomaticFolding {
  readonly #settings: FoldSettings | false;
  readonly #deadRetentionSeconds: number;
  #running: Promise<FoldResult> | undefined;
  #notBefore = 0;
  #tidyNotBefore = 0;

  /** @param settings `false`: only on request. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(settings: FoldSettings | false, deadRetentionSeconds: number) {
    if (settings !== false) assertFoldOptions(settings);
    this.#settings = settings;
    this.#deadRetentionSeconds = deadRetentionSeconds;
  }

  /**
   * Starts a fold where one is due: where there are enough dead files, or, once an hour, temporary files that killed
   * processes may have left. Does not wait, and never throws.
   */
  consider(dir: string, { dead, leftovers }: Pick<Collected, 'dead' | 'leftovers'>): void {
    if (this.#settings === false || this.#running !== undefined || performance.now() < this.#notBefore) return;
    if (!foldDue(dead, this.#settings) && !(leftovers > 0 && performance.now() >= this.#tidyNotBefore)) return;
    this.#tidyNotBefore = performance.now() + TIDY_INTERVAL_MS;
    this.now(dir).catch((error: unknown) => {
      this.#notBefore = performance.now() + PAUSE_AFTER_FAILURE_MS;
      warnOnce(`fold ${dir}`, `the files of dead processes are not folded: ${describeError(error)}`);
    });
  }

  /** Folds, after the present fold if there is one. */
  async now(dir: string, onProgress?: FoldProgress): Promise<FoldResult> {
    const before = this.#running;
    const running = (async () => {
      await before?.catch(() => {});
      const start = performance.now();
      debug('fold of %s begins', dir);
      const result = await foldAside(dir, this.#foldOptions(), onProgress);
      const took = performance.now() - start;
      debug('fold of %s ends after %d ms: %o', dir, took, result);
      const failed = result.folded === 0 && result.abandoned !== 'locked' && result.abandoned !== 'superseded';
      const pause = failed ? PAUSE_AFTER_FAILURE_MS : Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * took);
      this.#notBefore = performance.now() + pause;
      return result;
    })();
    this.#running = running;
    try {
      return await running;
    } finally {
      if (this.#running === running) this.#running = undefined;
    }
  }

  /** The archive gets the permissions of this process's own file. */
  #foldOptions(): FoldOptions {
    const { fileMode, group } = readSettings();
    return { fileMode, group, ...this.#settings, deadRetentionSeconds: this.#deadRetentionSeconds };
  }

  async settled(): Promise<void> {
    await this.#running?.catch(() => {});
  }
}
