import { isStalled, type PushRecord } from '../directory/push-record.js';
import { SKIP_REASONS } from '../directory/skip-reason.js';
import type { MetricFamily, Sample } from '../model/metric-family.js';
import type { CollectionStats } from './report.js';
import type { HeldLocks } from './held-locks.js';

const CONFLICT_REASONS = ['type', 'help', 'gauge_mode', 'buckets', 'labels', 'name'] as const;

type Values = Readonly<Record<string, number>> | number;

interface Row {
  readonly name: string;
  readonly help: string;
  readonly values: (stats: CollectionStats, scrapeSeconds: number, heldLocks: HeldLocks) => Values;
  /** The label of its samples, if it has several. */
  readonly label?: string;
}

const ROWS: readonly Row[] = [
  {
    name: 'processes',
    help: 'Processes and worker threads whose metrics files are in the directory.',
    values: ({ live, dead, unknown }) => ({ live, dead, unknown }),
    label: 'state',
  },
  {
    name: 'files_skipped',
    help: 'Metrics files that could not be read in this scrape.',
    values: ({ skipped }) => Object.fromEntries(SKIP_REASONS.map((reason) => [reason, skipped[reason]])),
    label: 'reason',
  },
  {
    name: 'series',
    help: 'Series in the merged output, before histograms and summaries become lines.',
    values: ({ series }) => series,
  },
  {
    name: 'file_bytes',
    help: 'Size of the metrics files that were read.',
    values: ({ fileBytes }) => fileBytes,
  },
  {
    name: 'memory_bytes',
    help: 'Bytes of samples that processes count in memory for want of room in their files.',
    values: ({ bytesInMemory }) => bytesInMemory,
  },
  {
    name: 'conflicting_families',
    help: 'Metrics that processes declare differently, or whose lines have names of another; the newest declaration is shown.',
    values: ({ conflicts }) => Object.fromEntries(CONFLICT_REASONS.map((reason) => [reason, conflicts[reason] ?? 0])),
    label: 'reason',
  },
  {
    name: 'unusable_series',
    help: 'Series of single processes that are left out since a value is not a finite number, and series with too large a sum.',
    values: ({ unusableSeries }) => unusableSeries,
  },
  {
    name: 'pid_conflicts',
    help: 'Gauge series hidden by another process with the same pid label.',
    values: ({ pidConflicts }) => pidConflicts,
  },
  {
    name: 'heartbeat_age_seconds',
    help: 'Time since the heartbeat of the living process, by its main thread, that beat longest ago.',
    values: ({ heartbeatAgeSeconds }) => heartbeatAgeSeconds,
  },
  {
    name: 'archive_generation',
    help: 'Generation of the archive that the counts of dead processes are folded into.',
    values: ({ archive }) => archive?.generation ?? 0,
  },
  {
    name: 'archive_files',
    help: 'Files of dead processes that were ever folded into the archive.',
    values: ({ archive }) => archive?.files ?? 0,
  },
  {
    name: 'archive_dropped_series',
    help: 'Series of dead processes whose counts are lost, for want of room or as a value was not a finite number.',
    values: ({ archive }) => archive?.droppedSeries ?? 0,
  },
  {
    name: 'archive_dropped_families',
    help: 'Metrics that were dropped from the archive because no process declares them any more.',
    values: ({ archive }) => archive?.droppedFamilies ?? 0,
  },
  {
    name: 'archive_expired_series',
    help: 'Series of dead processes that were dropped from the archive, idle for longer than the expireAfterSeconds of their metric.',
    values: ({ archive }) => archive?.expiredSeries ?? 0,
  },
  {
    name: 'lock_held',
    help: 'Whether another program holds a lock of the directory, so that no process of the application can.',
    values: (_stats, _seconds, heldLocks) => ({ ...heldLocks }),
    label: 'lock',
  },
  {
    name: 'scrape_duration_seconds',
    help: 'Time that reading and merging the metrics files took.',
    values: (_stats, scrapeSeconds) => scrapeSeconds,
  },
];

interface PushRow {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  /** One value, or one by each reason. */
  readonly values: (push: PushRecord, now: number) => Values;
  /** How the values of several pushes to receivers of one kind become one; they are added up where nothing is given. */
  readonly merge?: (one: number, other: number) => number;
}

const PUSH_ROWS: readonly PushRow[] = [
  {
    name: 'push_stalled',
    help: 'Pushes whose leader has sent nothing for three intervals.',
    type: 'gauge',
    values: (push, now) => Number(isStalled(push, now)),
  },
  {
    name: 'push_samples_total',
    help: 'Samples that receivers took.',
    type: 'counter',
    values: ({ figures }) => figures.sent,
  },
  {
    name: 'push_lost_samples_total',
    help: 'Samples that no receiver took.',
    type: 'counter',
    values: ({ figures: { refused, failed, overflowed } }) => ({ refused, failed, queue_full: overflowed }),
  },
  {
    name: 'push_retries_total',
    help: 'Messages that were sent again.',
    type: 'counter',
    values: ({ figures }) => figures.retries,
  },
  {
    name: 'push_queue_bytes',
    help: 'Bytes of messages that waited when the leader last sent.',
    type: 'gauge',
    values: ({ figures }) => figures.queueBytes,
  },
  {
    name: 'push_last_success_timestamp_seconds',
    help: 'When a receiver last took samples; of several receivers, the one that did so longest ago.',
    type: 'gauge',
    values: ({ figures }) => figures.lastSuccessAt,
    merge: Math.min,
  },
];

/** The names of these metrics: an application's metric with lines of such a name is not shown beside them. */
export const SELF_METRIC_FAMILIES = [
  ...ROWS.map(({ name }) => ({ name: fullName(name), type: 'gauge' }) as const),
  ...PUSH_ROWS.map(({ name, type }) => ({ name: fullName(name), type })),
];

/**
 * The collector's metrics about itself. All are gauges with the results of this scrape, so that they do not depend on the
 * process that serves it: a counter of one process would seem to fall when another process serves the next scrape.
 * There are always the same samples in the same order; those of pushes are as many as there are pushes.
 */
export function selfMetrics(
  stats: CollectionStats,
  scrapeSeconds: number,
  heldLocks: HeldLocks,
  pushes: readonly PushRecord[],
): MetricFamily[] {
  const families = ROWS.map((row): MetricFamily => {
    const name = fullName(row.name);
    const samples = samplesOf(name, row.values(stats, scrapeSeconds, heldLocks), row.label);
    return { name, help: row.help, type: 'gauge', samples };
  });
  return [...families, ...pushMetrics(pushes)];
}

/** From the records of leaders, so that counters go on when another process leads. Pushes to receivers of one kind become one. */
function pushMetrics(pushes: readonly PushRecord[]): MetricFamily[] {
  const now = Date.now();
  const targets = [...new Set(pushes.map(({ target }) => target))].toSorted();
  if (targets.length === 0) return [];
  return PUSH_ROWS.map((row) => {
    const name = fullName(row.name);
    const samples = targets.flatMap((target) => {
      const values = pushes.filter((push) => push.target === target).map((push) => row.values(push, now));
      return samplesOf(name, merged(values, row.merge), 'reason', { target });
    });
    return { name, help: row.help, type: row.type, samples };
  });
}

function merged(values: readonly Values[], merge = (one: number, other: number): number => one + other): Values {
  return values.reduce((one, other) =>
    typeof one === 'number' || typeof other === 'number'
      ? merge(Number(one), Number(other))
      : Object.fromEntries(Object.entries(one).map(([key, value]) => [key, merge(value, other[key])])),
  );
}

function samplesOf(name: string, values: Values, label = '', labels: Readonly<Record<string, string>> = {}): Sample[] {
  if (typeof values === 'number') return [{ name, labels, value: values }];
  return Object.entries(values).map(([key, value]) => ({ name, labels: { ...labels, [label]: key }, value }));
}

function fullName(name: string): string {
  return `prom_multiproc_${name}`;
}
