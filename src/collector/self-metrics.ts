import { isStalled, type PushRecord } from '../directory/push-record.js';
import type { MetricFamily, Sample } from '../model/metric-family.js';
import type { CollectionStats } from './report.js';
import type { HeldLocks } from './held-locks.js';
import { SKIP_REASONS } from './metrics-file.js';

const CONFLICT_REASONS = ['type', 'help', 'gauge_mode', 'buckets', 'labels', 'name'] as const;

/**
 * The collector's metrics about itself. All are gauges with the results of this scrape, so that they do not depend on the
 * process that serves it: a counter of one process would seem to fall when another process serves the next scrape.
 * There are always the same samples in the same order; those of pushes are as many as there are pushes.
 */
export function selfMetrics(
  stats: CollectionStats,
  scrapeSeconds: number,
  heldLocks: HeldLocks,
  pushes: readonly PushRecord[] = [],
): MetricFamily[] {
  const family = (
    name: string,
    help: string,
    values: Readonly<Record<string, number>> | number,
    label = '',
  ): MetricFamily => {
    const full = `prom_multiproc_${name}`;
    const samples: Sample[] =
      typeof values === 'number'
        ? [{ name: full, labels: {}, value: values }]
        : Object.entries(values).map(([value, number]) => ({ name: full, labels: { [label]: value }, value: number }));
    return { name: full, help, type: 'gauge', samples };
  };
  const { live, dead, unknown, skipped, conflicts } = stats;
  const reasons = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, skipped[reason]]));
  const disagreements = Object.fromEntries(CONFLICT_REASONS.map((reason) => [reason, conflicts[reason] ?? 0]));
  return [
    family(
      'processes',
      'Processes and worker threads whose metrics files are in the directory.',
      { live, dead, unknown },
      'state',
    ),
    family('files_skipped', 'Metrics files that could not be read in this scrape.', reasons, 'reason'),
    family('series', 'Series in the merged output, before histograms and summaries become lines.', stats.series),
    family('file_bytes', 'Size of the metrics files that were read.', stats.fileBytes),
    family(
      'memory_bytes',
      'Bytes of samples that processes count in memory for want of room in their files.',
      stats.bytesInMemory,
    ),
    family(
      'conflicting_families',
      'Metrics that processes declare differently, or whose lines have names of another; the newest declaration is shown.',
      disagreements,
      'reason',
    ),
    family(
      'unusable_series',
      'Series of single processes that are left out since a value of theirs is not a finite number.',
      stats.unusableSeries,
    ),
    family('pid_conflicts', 'Gauge series hidden by another process with the same pid label.', stats.pidConflicts),
    family(
      'heartbeat_age_seconds',
      'Time since the heartbeat of the living process, by its main thread, that beat longest ago.',
      stats.heartbeatAgeSeconds,
    ),
    family(
      'archive_generation',
      'Generation of the archive that the counts of dead processes are folded into.',
      stats.archive?.generation ?? 0,
    ),
    family(
      'archive_files',
      'Files of dead processes that were ever folded into the archive.',
      stats.archive?.files ?? 0,
    ),
    family(
      'archive_dropped_series',
      'Series of dead processes whose counts are lost, for want of room or as a value was not a finite number.',
      stats.archive?.droppedSeries ?? 0,
    ),
    family(
      'archive_dropped_families',
      'Metrics that were dropped from the archive because no process declares them any more.',
      stats.archive?.droppedFamilies ?? 0,
    ),
    family(
      'archive_expired_series',
      'Series of dead processes that were dropped from the archive, idle for longer than the expireAfterSeconds of their metric.',
      stats.archive?.expiredSeries ?? 0,
    ),
    family(
      'lock_held',
      'Whether another program holds a lock of the directory, so that no process of the application can.',
      { ...heldLocks },
      'lock',
    ),
    family('scrape_duration_seconds', 'Time that reading and merging the metrics files took.', scrapeSeconds),
    ...pushMetrics(pushes),
  ];
}

/**
 * The figures of pushes, from the records of their leaders: counters that go on when another process becomes the leader. The
 * pushes to receivers of one kind are added up.
 */
function pushMetrics(pushes: readonly PushRecord[]): MetricFamily[] {
  const now = Date.now();
  const targets = [...new Set(pushes.map(({ target }) => target))].toSorted();
  if (targets.length === 0) return [];
  const family = (
    type: 'counter' | 'gauge',
    name: string,
    help: string,
    values: Readonly<Record<string, (push: PushRecord) => number>>,
    merge = (one: number, other: number): number => one + other,
  ): MetricFamily => ({
    name: `prom_multiproc_push_${name}`,
    help,
    type,
    samples: targets.flatMap((target) =>
      Object.entries(values).map(([reason, value]) => ({
        name: `prom_multiproc_push_${name}`,
        labels: { target, ...(reason !== '' && { reason }) },
        value: pushes
          .filter((push) => push.target === target)
          .map(value)
          .reduce(merge),
      })),
    ),
  });
  return [
    family('gauge', 'stalled', 'Pushes whose leader has sent nothing for three intervals.', {
      '': (push) => Number(isStalled(push, now)),
    }),
    family('counter', 'samples_total', 'Samples that receivers took.', { '': ({ figures }) => figures.sent }),
    family('counter', 'lost_samples_total', 'Samples that no receiver took.', {
      refused: ({ figures }) => figures.refused,
      failed: ({ figures }) => figures.failed,
      queue_full: ({ figures }) => figures.overflowed,
    }),
    family('counter', 'retries_total', 'Messages that were sent again.', { '': ({ figures }) => figures.retries }),
    family('gauge', 'queue_bytes', 'Bytes of messages that waited when the leader last sent.', {
      '': ({ figures }) => figures.queueBytes,
    }),
    family(
      'gauge',
      'last_success_timestamp_seconds',
      'When a receiver last took samples; of several receivers, the one that did so longest ago.',
      { '': ({ figures }) => figures.lastSuccessAt },
      Math.min,
    ),
  ];
}
