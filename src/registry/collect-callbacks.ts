/**
 * Runs the `collect()` of metrics in this process: as soon as others may read its file, every few seconds from then on, and
 * before this process serves.
 *
 * A callback that throws, rejects or hangs costs its own metric only: it is counted, and logged once. One that still runs is
 * not started again; a caller that needs the values waits for the run that is under way, but not for ever.
 */
import { lastScraped } from '../directory/scraped.js';
import type { CollectRun } from '../storage/collect-updates.js';
import { shared } from '../copies.js';
import { warnOnce } from '../warn-once.js';
import { hasFile, onFirstFile, onMaintenance, storeDirectory } from '../storage/process-store.js';
import { MEMBER, type RegisteredMetric, type ShowingRegistry } from './member.js';

/** How long a scrape waits for one callback. Half of Prometheus' default scrape_timeout. */
const LONGEST_WAIT_MS = 5000;
/** Prometheus scrapes at least every 15 s by custom, and every minute by default. */
const WANTED_SECONDS = 60;

/** A callback that has not ended. */
interface UnderWay {
  readonly outcome: Promise<boolean>;
  readonly run: CollectRun | undefined;
}

interface State {
  readonly running: WeakMap<RegisteredMetric, UnderWay>;
  readonly failures: Map<string, number>;
  /** Registries that have metrics which are shown in merged output. */
  readonly inUse: Set<ShowingRegistry>;
  runsInBackground: boolean;
}

const state = shared('collect callbacks', (): State => {
  const made: State = { running: new WeakMap(), failures: new Map(), inUse: new Set(), runsInBackground: false };
  onFirstFile(() => {
    for (const registry of made.inUse) runInNextTurn(registry.registered());
  });
  // every 5 s while somebody may read the values, one run at a time
  onMaintenance(() => {
    if (made.runsInBackground || made.inUse.size === 0 || !isReadByOthers()) return;
    made.runsInBackground = true;
    void runCollectCallbacks().finally(() => {
      made.runsInBackground = false;
    });
  });
  return made;
});
/** Metrics that came into merged output in this turn of the event loop. */
const added = new Set<RegisteredMetric>();
let firstRun: NodeJS.Immediate | undefined;

/** How often the callbacks of each metric failed in this process, by the metric's name. */
export function collectFailures(): ReadonlyMap<string, number> {
  return state.failures;
}

/**
 * Called by registries that are shown in merged output, of metrics that they have taken in: their callbacks run in the next
 * turn of the event loop, when the code that made them has set up what they look at. Until the timer's first run a worker
 * would show nothing of them.
 */
export function runFirstCallbacks(metrics: Iterable<RegisteredMetric>): void {
  // without a file nobody can read the values; the store tells when it has one
  if (hasFile()) runInNextTurn(metrics);
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

/**
 * Called by registries that are shown in merged output: whether they have any metric, so that its callback runs in the
 * background too.
 */
export function registryInUse(registry: ShowingRegistry, hasMetrics: boolean): void {
  if (hasMetrics) state.inUse.add(registry);
  else state.inUse.delete(registry);
}

/**
 * Brings one metric's values up to date; false where its callback failed.
 *
 * @param onError told what a callback threw
 */
export function collectMetric(metric: RegisteredMetric, onError: OnError = failed): boolean | Promise<boolean> {
  const { collect } = metric;
  let outcome: boolean | Promise<boolean> = true;
  if (typeof collect === 'function') {
    const underWay = state.running.get(metric);
    outcome = underWay === undefined ? start(metric, collect, onError) : inTime(metric, underWay);
  }
  const settled = (isUpToDate: boolean): boolean => {
    metric[MEMBER]?.settle(isUpToDate);
    return isUpToDate;
  };
  return typeof outcome === 'boolean' ? settled(outcome) : outcome.then(settled);
}

/** Brings the metrics of these registries up to date, of all that are shown in merged output by default. */
export async function runCollectCallbacks(registries: Iterable<ShowingRegistry> = state.inUse): Promise<void> {
  const metrics = new Set<RegisteredMetric>();
  for (const registry of registries) for (const metric of registry.registered()) metrics.add(metric);
  await Promise.all([...metrics].map(async (metric) => collectMetric(metric)));
}

/**
 * Whether another process shows what this one counts: it has a file, and somebody scraped in the last minute. Where nobody
 * has left a note of it, nobody has scraped yet or the readers may not write there: both are to find fresh values.
 */
function isReadByOthers(): boolean {
  const dir = storeDirectory()?.dir;
  if (dir === undefined) return false;
  const scrapedAt = lastScraped(dir);
  return scrapedAt === 0 || Date.now() / 1000 - scrapedAt < WANTED_SECONDS;
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
  const underWay = { outcome, run };
  state.running.set(metric, underWay);
  return inTime(metric, underWay);
}

function inTime(metric: RegisteredMetric, { outcome, run }: UnderWay): Promise<boolean> {
  return new Promise((resolve) => {
    const late = setTimeout(() => {
      run?.abandon();
      resolve(failed(metric, new Error(`it has not ended within ${LONGEST_WAIT_MS} ms`)));
    }, LONGEST_WAIT_MS);
    // a callback that hangs in the background must not keep the process alive
    late.unref();
    void outcome.then((succeeded) => {
      clearTimeout(late);
      resolve(succeeded);
    });
  });
}

type OnError = (metric: RegisteredMetric, error: unknown) => false;

/** The first run may come before an application has connected to what its callback asks; the timer's first run reports. */
function ignoreFailure(): false {
  return false;
}

function failed(metric: RegisteredMetric, error: unknown): false {
  state.failures.set(metric.name, (state.failures.get(metric.name) ?? 0) + 1);
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  warnOnce(`collect ${metric.name}`, `collect() of the metric ${metric.name} failed: ${reason}`);
  return false;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}
