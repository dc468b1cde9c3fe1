/**
 * Runs the `collect()` callbacks of metrics in this process: as soon as other processes can read its file, then every few
 * seconds, and before this process serves metrics.
 *
 * A callback that throws, rejects or hangs affects only its own metric: the failure is logged once. A callback
 * that is still running is not started again; a caller that needs the values waits for that run, but not longer than
 * MAX_WAIT_MS.
 */
import { lastScraped } from '../directory/scraped.js';
import type { CollectRun } from '../storage/collect-updates.js';
import { shared } from '../copies.js';
import { warnOnce } from '../warn-once.js';
import { onFirstFile, onMaintenance, storeDirectory } from '../storage/process-store.js';
import { MEMBER, type RegisteredMetric, type ShowingRegistry } from './member.js';

/** Maximum time that a scrape waits for one callback: half of Prometheus' default scrape_timeout. */
const MAX_WAIT_MS = 5000;
/** A scrape within this time shows that the values are in use: scrape intervals are 15 s or a minute by convention. */
const IN_USE_SECONDS = 60;

interface RunningCallback {
  readonly outcome: Promise<boolean>;
  readonly run: CollectRun | undefined;
}

interface State {
  readonly running: WeakMap<RegisteredMetric, RunningCallback>;
  /** Registries with metrics that merged output shows. */
  readonly inUse: Set<ShowingRegistry>;
  runsInBackground: boolean;
}

const state = shared('collect callbacks', (): State => {
  const made: State = { running: new WeakMap(), inUse: new Set(), runsInBackground: false };
  onFirstFile(() => {
    for (const registry of made.inUse) runInNextTurn(registry.registered());
  });
  // every 5 s while another process may read the values, one run at a time
  onMaintenance(() => {
    if (made.runsInBackground || made.inUse.size === 0 || !isReadByOthers()) return;
    made.runsInBackground = true;
    void runCollectCallbacks().finally(() => {
      made.runsInBackground = false;
    });
  });
  return made;
});
/** Metrics that were added to merged output in this turn of the event loop. */
const added = new Set<RegisteredMetric>();
let firstRun: NodeJS.Immediate | undefined;

/**
 * A registry that merged output shows calls this for metrics that were added to it. Their callbacks run in the next turn of
 * the event loop, when the code that made them has initialized the objects they read. Without this, a worker would show none
 * of these values until the first run of the timer.
 */
export function runFirstCallbacks(metrics: Iterable<RegisteredMetric>): void {
  // without a file no process can read the values; the store notifies when it has one
  if (storeDirectory() !== undefined) runInNextTurn(metrics);
}

function runInNextTurn(metrics: Iterable<RegisteredMetric>): void {
  for (const metric of metrics) if (typeof metric.collect === 'function') added.add(metric);
  if (added.size === 0) return;
  firstRun ??= setImmediate(() => {
    firstRun = undefined;
    const stillShown = [...added].filter((metric) => metric[MEMBER]?.shared === true);
    added.clear();
    for (const metric of stillShown) void collectMetric(metric, ignoreFailure);
  }).unref();
}

/** Tells whether a registry that merged output shows has metrics, whose callbacks then run in the background too. */
export function registryInUse(registry: ShowingRegistry, hasMetrics: boolean): void {
  if (hasMetrics) state.inUse.add(registry);
  else state.inUse.delete(registry);
}

/** Updates the values of one metric. Returns false if its callback failed; `onError` gets the error. */
export function collectMetric(metric: RegisteredMetric, onError: OnError = failed): boolean | Promise<boolean> {
  const { collect } = metric;
  let outcome: boolean | Promise<boolean> = true;
  if (typeof collect === 'function') {
    const running = state.running.get(metric);
    outcome = running === undefined ? start(metric, collect, onError) : inTime(metric, running);
  }
  const prepared = (isUpToDate: boolean): boolean => {
    metric[MEMBER]?.prepareRead(isUpToDate);
    return isUpToDate;
  };
  return typeof outcome === 'boolean' ? prepared(outcome) : outcome.then(prepared);
}

/** Updates the metrics of these registries; by default of all that merged output shows. */
export async function runCollectCallbacks(registries: Iterable<ShowingRegistry> = state.inUse): Promise<void> {
  const metrics = new Set<RegisteredMetric>();
  for (const registry of registries) for (const metric of registry.registered()) metrics.add(metric);
  await Promise.all([...metrics].map(async (metric) => collectMetric(metric)));
}

/**
 * Whether another process shows the values of this one: this process has a file, and there was a scrape in the last minute.
 * If there is no record of a scrape, none has happened yet or the readers may not write to the directory; in both cases the
 * next one must find fresh values.
 */
function isReadByOthers(): boolean {
  const dir = storeDirectory()?.dir;
  if (dir === undefined) return false;
  const scrapedAt = lastScraped(dir);
  return scrapedAt === 0 || Date.now() / 1000 - scrapedAt < IN_USE_SECONDS;
}

function start(metric: RegisteredMetric, collect: () => unknown, onError: OnError): boolean | Promise<boolean> {
  const run = metric[MEMBER]?.beginCollect();
  const ended = (succeeded: boolean): boolean => {
    run?.end(succeeded);
    return succeeded;
  };
  let result: unknown;
  try {
    result = collect.call(metric);
  } catch (error) {
    return ended(onError(metric, error));
  }
  if (!isThenable(result)) return ended(true);
  const outcome = Promise.resolve(result)
    .then(
      () => true,
      (error: unknown) => onError(metric, error),
    )
    .then(ended)
    .finally(() => state.running.delete(metric));
  const running = { outcome, run };
  state.running.set(metric, running);
  return inTime(metric, running);
}

function inTime(metric: RegisteredMetric, { outcome, run }: RunningCallback): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      run?.abandon();
      resolve(failed(metric, new Error(`it did not end within ${MAX_WAIT_MS} ms`)));
    }, MAX_WAIT_MS);
    // a callback that hangs in the background must not keep the process alive
    late.unref();
    void outcome.then((succeeded) => {
      clearTimeout(late);
      resolve(succeeded);
    });
  });
}

type OnError = (metric: RegisteredMetric, error: unknown) => false;

/** The application may not be connected yet to what its callback queries; the first run of the timer reports failures. */
function ignoreFailure(): false {
  return false;
}

function failed(metric: RegisteredMetric, error: unknown): false {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  warnOnce(`collect ${metric.name}`, `collect() of the metric ${metric.name} failed: ${reason}`);
  return false;
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
