import { inspect } from 'node:util';
import { describeError, invalidArgument } from '../errors.js';
import type { MultiprocessMode } from '../model/gauge-mode.js';
import type { ForeignMetricObject } from '../registry/metric-object.js';
import { register as defaultRegistry } from '../registry/default-registry.js';
import { Registry } from '../registry/registry.js';
import { warnOnce } from '../warn-once.js';
import { flushStore } from '../storage/process-store.js';
import { labelNamesOf, mirroredMetric, type MirroredMetric } from './mirrored-metric.js';

/** The part of the mirrored registry that is used: public methods of prom-client and @prometheus-io/client. */
export interface MirrorSource {
  getMetricsAsJSON(): Promise<readonly object[]>;
  getSingleMetric?(name: string): unknown;
}

export interface MirrorOptions {
  /** Milliseconds between two copies. A SIGKILL loses the changes since the last copy. Default: 1000. */
  readonly intervalMs?: number;
  /** The registry that shows the copies. Default: the default registry. */
  readonly register?: Registry<any>;
  /** Merge modes of gauges by the name of the metric. Default: the mode of their `aggregator`. */
  readonly gaugeModes?: Readonly<Record<string, MultiprocessMode>>;
}

export interface Mirror {
  /** Copies now. It never rejects: each kind of error is logged once. */
  copy(): Promise<void>;
  /** Copies for the last time. The copied values stay, but are not updated any more. */
  close(): Promise<void>;
}

/** The maximum delay of a timer in Node.js. */
const MAX_INTERVAL_MS = 2 ** 31 - 1;

/**
 * Copies the metrics of a registry that this package cannot replace, such as the private registry of a bundled library:
 * every `intervalMs`, before this process is read, and when it exits normally or by `process.exit()`.
 *
 * Counters, gauges and histograms are copied completely; of summaries only sum and count, since quantiles of several
 * processes cannot be merged. If a counter is reset at the source, its copy continues from its value. A counter that is
 * reset and exceeds its old value within one interval cannot be distinguished from one that was not reset.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT
 */
export function mirrorRegistry(source: MirrorSource, options: MirrorOptions = {}): Mirror {
  const { intervalMs = 1000, register = defaultRegistry, gaugeModes = {} } = options;
  if (typeof source?.getMetricsAsJSON !== 'function') {
    throw invalidArgument(`a registry to mirror has getMetricsAsJSON(), unlike ${inspect(source, { depth: 0 })}`);
  }
  if (source instanceof Registry) {
    throw invalidArgument(
      'this is a registry of prom-multiproc, possibly through the preload hook: it is merged already and needs no mirror',
    );
  }
  if (!(intervalMs > 0 && intervalMs <= MAX_INTERVAL_MS)) {
    throw invalidArgument(`intervalMs ${inspect(intervalMs)}: give milliseconds above 0`);
  }
  return new RegistryMirror(source, { intervalMs, register, gaugeModes });
}

/** Mirrors that copy once more at the exit of the process. */
const open = new Set<RegistryMirror>();

/**
 * In an 'exit' listener promises do not settle, unless the queue of microtasks is run by hand. The function of Node.js for
 * that is undocumented, and exists in Node 20 to 26 (tested). Without it, changes after the last interval would be lost.
 */
function copyAtExit(): void {
  for (const mirror of open) void mirror.copyNow();
  (process as unknown as { _tickCallback?: () => void })._tickCallback?.();
  flushStore();
}

class RegistryMirror implements Mirror {
  readonly #source: MirrorSource;
  readonly #options: Required<MirrorOptions>;
  readonly #copies = new Map<string, MirroredMetric>();
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  #started = 0;
  #copied = 0;
  #closed = false;

  constructor(source: MirrorSource, options: Required<MirrorOptions>) {
    this.#source = source;
    this.#options = options;
    this.#timer = setInterval(this.copy, options.intervalMs);
    this.#timer.unref();
    // before other listeners, since one of them closes a store that is written and not mapped
    if (open.size === 0) process.prependListener('exit', copyAtExit);
    open.add(this);
    void this.copy();
  }

  /** Calls in one turn share a copy. Calls during a copy share the next one, which has all values that they expect. */
  readonly copy = (): Promise<void> => (this.#closed ? Promise.resolve() : (this.#next ??= this.#afterRunning()));

  async close(): Promise<void> {
    clearInterval(this.#timer);
    open.delete(this);
    if (open.size === 0) process.off('exit', copyAtExit);
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
      const metrics = (await this.#source.getMetricsAsJSON()) as readonly ForeignMetricObject[];
      // values older than the last copy would look like a reset
      if (number < this.#copied) return;
      this.#copied = number;
      for (const metric of metrics) this.#copyOne(metric);
    } catch (error) {
      warnOnce(`mirror ${describeError(error)}`, `a registry could not be mirrored: ${describeError(error)}`);
    }
  }

  #copyOne(metric: ForeignMetricObject): void {
    const { name, values = [] } = metric;
    try {
      let copy = this.#copies.get(name);
      if (copy !== undefined && labelNamesOf(metric, copy.labelNames).length > copy.labelNames.length) {
        // default labels were added later: the series without them do not exist any more
        this.#options.register.removeSingleMetric(name);
        copy = undefined;
      }
      copy ??= this.#make(metric);
      copy?.update(values);
    } catch (error) {
      warnOnce(`mirror ${name}`, `the metric ${name} could not be mirrored: ${describeError(error)}`);
    }
  }

  #make(metric: ForeignMetricObject): MirroredMetric | undefined {
    const { name } = metric;
    const { labelNames = [] } = (this.#source.getSingleMetric?.(name) ?? {}) as { labelNames?: readonly string[] };
    const copy = mirroredMetric(metric, {
      registers: [this.#options.register],
      labelNames,
      multiprocessMode: this.#options.gaugeModes[name],
      collect: this.copy,
    });
    if (copy !== undefined) this.#copies.set(name, copy);
    return copy;
  }
}
