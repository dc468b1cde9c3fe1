import { inspect } from 'node:util';
import { describeError, PromMultiprocError } from '../errors.js';
import type { MultiprocessMode } from '../model/gauge-mode.js';
import { register as defaultRegistry } from '../registry/default-registry.js';
import { Registry } from '../registry/registry.js';
import { warnOnce } from '../warn-once.js';
import { flushStore } from '../storage/process-store.js';
import { labelNamesOf, mirroredMetric, type MirroredMetric, type SourceMetric } from './mirrored-metric.js';

/** What is asked of the registry that is copied: the public surface of prom-client and @prometheus-io/client. */
export interface MirrorSource {
  getMetricsAsJSON(): Promise<readonly object[]>;
  getSingleMetric?(name: string): unknown;
}

export interface MirrorOptions {
  /** Milliseconds between two copies: a SIGKILL loses what came after the last one. Default 1000. */
  readonly intervalMs?: number;
  /** Where the copies are shown. Default: the default registry. */
  readonly register?: Registry<any>;
  /** How gauges merge, by the metric's name; by default as their `aggregator` says. */
  readonly gaugeModes?: Readonly<Record<string, MultiprocessMode>>;
}

export interface Mirror {
  /** Copies now. Never rejects: trouble is said once. */
  copy(): Promise<void>;
  /** Copies for the last time. What was copied stays, and is not brought up to date any more. */
  close(): Promise<void>;
}

/** A node timer cannot wait longer. */
const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/**
 * Copies the metrics of a registry that this package cannot stand in for, such as one that a bundled library keeps to
 * itself: every `intervalMs`, before this process is read, and when it exits by itself or by `process.exit()`.
 *
 * Counters, gauges and histograms are copied as they are; of summaries sum and count, for quantiles of several processes
 * cannot be made into one. A counter that was reset at the source goes on here. One that was reset and has come further
 * than before within one interval cannot be told from one that was not.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT
 */
export function mirrorRegistry(source: MirrorSource, options: MirrorOptions = {}): Mirror {
  const { intervalMs = 1000, register = defaultRegistry, gaugeModes = {} } = options;
  if (typeof source?.getMetricsAsJSON !== 'function') {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `a registry to mirror has getMetricsAsJSON(), unlike ${inspect(source, { depth: 0 })}`,
    );
  }
  if (source instanceof Registry) {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      'this is a registry of prom-multiproc, possibly through the preload hook: it is merged already and needs no mirror',
    );
  }
  if (!(intervalMs > 0 && intervalMs <= LONGEST_INTERVAL_MS)) {
    throw new PromMultiprocError(
      'ERR_INVALID_ARGUMENT',
      `intervalMs ${inspect(intervalMs)}: give milliseconds above 0`,
    );
  }
  return new RegistryMirror(source, intervalMs, register, gaugeModes);
}

/** Mirrors that copy once more when the process exits. */
const open = new Set<RegistryMirror>();

/** Before other listeners: a store that is written, not mapped, is closed by one. */
function openMirror(mirror: RegistryMirror): void {
  if (open.size === 0) process.prependListener('exit', copyAtExit);
  open.add(mirror);
}

function closeMirror(mirror: RegistryMirror): void {
  open.delete(mirror);
  if (open.size === 0) process.off('exit', copyAtExit);
}

/**
 * Promises do not settle any more in an 'exit' listener, unless the queue of microtasks is emptied by hand. node's function
 * for it is undocumented, and there in 20 to 26 (ran); without it, what came after the last interval would be lost.
 */
function copyAtExit(): void {
  for (const mirror of open) void mirror.copyNow();
  (process as unknown as { _tickCallback?: () => void })._tickCallback?.();
  flushStore();
}

class RegistryMirror implements Mirror {
  readonly #source: MirrorSource;
  readonly #register: Registry<any>;
  readonly #gaugeModes: Readonly<Record<string, MultiprocessMode>>;
  readonly #copies = new Map<string, MirroredMetric>();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #started = 0;
  #copied = 0;
  #closed = false;

  constructor(
    source: MirrorSource,
    intervalMs: number,
    register: Registry<any>,
    gaugeModes: Readonly<Record<string, MultiprocessMode>>,
  ) {
    this.#source = source;
    this.#register = register;
    this.#gaugeModes = gaugeModes;
    this.#timer = setInterval(this.copy, intervalMs);
    this.#timer.unref();
    openMirror(this);
    void this.copy();
  }

  /** Calls of one turn share a copy; those that come while one is under way share the next, which has what they want. */
  readonly copy = (): Promise<void> => (this.#closed ? Promise.resolve() : (this.#next ??= this.#afterRunning()));

  async close(): Promise<void> {
    clearInterval(this.#timer);
    closeMirror(this);
    await this.copy();
    this.#closed = true;
  }

  async #afterRunning(): Promise<void> {
    await this.#running;
    this.#next = undefined;
    this.#running = this.copyNow();
    await this.#running;
  }

  async copyNow(): Promise<void> {
    const number = ++this.#started;
    try {
      const metrics = (await this.#source.getMetricsAsJSON()) as readonly SourceMetric[];
      // values older than those copied last look like a reset
      if (number < this.#copied) return;
      this.#copied = number;
      for (const metric of metrics) this.#copyOne(metric);
    } catch (error) {
      warnOnce(`mirror ${describeError(error)}`, `a registry could not be mirrored: ${describeError(error)}`);
    }
  }

  #copyOne(metric: SourceMetric): void {
    const { name, values = [] } = metric;
    try {
      let copy = this.#copies.get(name);
      if (copy !== undefined && labelNamesOf(metric, copy.labelNames).length > copy.labelNames.length) {
        // default labels came later: the series without them are not there any more
        this.#register.removeSingleMetric(name);
        copy = undefined;
      }
      copy ??= this.#make(metric);
      copy?.update(values);
    } catch (error) {
      warnOnce(`mirror ${name}`, `the metric ${name} could not be mirrored: ${describeError(error)}`);
    }
  }

  #make(metric: SourceMetric): MirroredMetric | undefined {
    const { name } = metric;
    const { labelNames = [] } = (this.#source.getSingleMetric?.(name) ?? {}) as { labelNames?: readonly string[] };
    const copy = mirroredMetric(metric, {
      registers: [this.#register],
      labelNames,
      multiprocessMode: this.#gaugeModes[name],
      collect: this.copy,
    });
    if (copy !== undefined) this.#copies.set(name, copy);
    return copy;
  }
}
