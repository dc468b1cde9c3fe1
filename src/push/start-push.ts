/** `prom-multiproc/push`: sends the merged metrics by an interval. Nothing of it is loaded with the package's root. */
import { createHash } from 'node:crypto';
import { DirectoryCollector } from '../collector/directory-collector.js';
import { directoryToRead } from '../collector/directory-to-read.js';
import type { OutputSettings } from '../collector/engine.js';
import { sharedCollector } from '../collector/shared-collector.js';
import { existingTarget } from '../directory/check-directory.js';
import { type ChosenDirectory, chooseOption } from '../directory/choose.js';
import { invalidArgument } from '../errors.js';
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { isLabelName } from '../model/naming.js';
import { register } from '../registry/default-registry.js';
import { assertOwnLabels } from './leadership.js';
import { PUSH_TARGETS, type PushTargets } from './push-targets.js';
import { Pusher } from './pusher.js';

export type { PushTargets } from './push-targets.js';
export type { HttpTargetOptions } from './push-target.js';
export type { OtlpOptions } from './otlp.js';
export type { PushgatewayGroupOptions } from './pushgateway-group.js';
export type { RemoteWriteOptions } from './remote-write.js';
export type { TextfileTargetOptions } from './textfile-target.js';

export interface PushOptions extends PushTargets {
  /** Time between two sendings in milliseconds. Default 15,000. */
  readonly intervalMs?: number;
  /**
   * Labels of every series, such as `job` and `instance`; for OTLP, attributes of the resource (`service.name` and
   * `service.instance.id` for those two). A label of the series wins. They must not differ between the processes of one
   * directory, and must differ between hosts. Default none.
   */
  readonly labels?: Readonly<Record<string, string>>;
  /** The directory to read. Default: the one that this process counts in; without one, the metrics of this process. */
  readonly dir?: string;
  /** The registries to push: 'default', the `name` of another one, several of them, or 'all' (the default). */
  readonly registry?: string | readonly string[];
  /** Attempts beyond the first one for a message that the receiver fails to take (5xx, no response). Default 5. */
  readonly maxRetries?: number;
  /** Bytes of messages that may wait, for each target; beyond it the oldest are dropped. Default 16 MiB. */
  readonly maxQueueBytes?: number;
}

export interface RunningPush {
  /**
   * Sends the last values if this process leads, and ends. Another process takes over within an interval; where there is none,
   * the series are marked as ended. Takes 10 seconds at most for a receiver that does not respond.
   */
  close(): Promise<void>;
}

const MIN_INTERVAL_MS = 100;

/**
 * Sends the merged metrics to a receiver by an interval. Every process of an application may call it: one of them sends, and
 * another takes over when it ends, however it ends. It keeps no process alive, and no failure of a receiver reaches the
 * application: it is logged once and counted.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT
 */
export function startPush(options: PushOptions): RunningPush {
  const { intervalMs = 15_000, maxRetries = 5, maxQueueBytes = 16 * 1024 * 1024, registry = 'all' } = options;
  assertNumber('intervalMs', intervalMs, MIN_INTERVAL_MS, 2 ** 31 - 1);
  assertNumber('maxRetries', maxRetries, 0, Number.MAX_SAFE_INTEGER);
  assertNumber('maxQueueBytes', maxQueueBytes, 1, Number.MAX_SAFE_INTEGER);
  const labels = checkedLabels(options.labels ?? {});
  const chosen = options.dir === undefined ? undefined : chooseOption(options.dir);
  const keys = (Object.keys(PUSH_TARGETS) as (keyof PushTargets)[]).filter((key) => options[key] !== undefined);
  if (keys.length === 0) {
    const known = Object.keys(PUSH_TARGETS).join(', ');
    throw invalidArgument(`startPush has no target: give one of ${known}`);
  }
  const dir = (): string | undefined => directoryOf(chosen, labels);
  dir();
  const targets = keys.map((key) => {
    const row = PUSH_TARGETS[key];
    return { row, target: row.open(options[key] as never, labels) };
  });
  const own = chosen === undefined ? undefined : new DirectoryCollector({ dir: chosen.dir });
  const registries = registry === 'all' ? registry : [registry].flat();
  const pushers = targets.map(({ row: { name, created }, target }) => {
    const settings: OutputSettings = { selection: { registries }, created, selfMetrics: true };
    return new Pusher(target, {
      name,
      id: idOf([name, target.destination, labels, registries]),
      ...{ intervalMs, maxRetries, maxBytes: maxQueueBytes, dir },
      collect: () => familiesOf(own, settings),
    });
  });
  let closed: Promise<void> | undefined;
  return {
    close: () => (closed ??= Promise.all(pushers.map((pusher) => pusher.end())).then(() => own?.close())),
  };
}

async function familiesOf(own: DirectoryCollector | undefined, settings: OutputSettings): Promise<MetricFamily[]> {
  if (own !== undefined) return own.families(settings);
  if (directoryToRead() !== undefined) return sharedCollector().families(settings);
  return register.processFamilies({ created: settings.created });
}

/**
 * Returns the directory itself, where the chosen path is a link.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED; ERR_INVALID_ARGUMENT where `assertOwnLabels` refuses the labels
 */
function directoryOf(option: ChosenDirectory | undefined, labels: Labels): string | undefined {
  const chosen = option ?? directoryToRead();
  if (chosen === undefined) return undefined;
  // a reader may be another user than the owner of a derived directory
  const dir = existingTarget({ ...chosen, derived: false }) ?? chosen.dir;
  assertOwnLabels(dir, labels);
  return dir;
}

/** Pushes with equal ids would send the same series to the same place: one process leads them. */
function idOf(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

function checkedLabels(labels: Readonly<Record<string, string>>): Labels {
  for (const [name, value] of Object.entries(labels)) {
    if (isLabelName(name) && typeof value === 'string') continue;
    throw invalidArgument(
      `option labels has ${JSON.stringify(name)}: ${JSON.stringify(value)}; give label names with texts as values`,
    );
  }
  const sorted = Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(sorted);
}

function assertNumber(name: string, value: unknown, least: number, most: number): void {
  if (typeof value === 'number' && value >= least && value <= most) return;
  throw invalidArgument(`option ${name} is ${String(value)}; give a number from ${least} to ${most}`);
}
