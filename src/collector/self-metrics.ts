import type { MetricFamily, Sample } from '../model/metric-family.js';
import type { CollectionStats } from './report.js';
import type { HeldLocks } from './held-locks.js';
import { SKIP_REASONS } from './metrics-file.js';

const CONFLICT_REASONS = ['type', 'help', 'gauge_mode', 'buckets', 'labels', 'name'] as const;

/**
 * The collector's metrics about itself. All are gauges with the results of this scrape, so that they do not depend on the
 * process that serves it: a counter of one process would seem to fall when another process serves the next scrape.
 * There are always the same samples in the same order.
 */
export function selfMetrics(stats: CollectionStats, scrapeSeconds: number, heldLocks: HeldLocks): MetricFamily[] {
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
  ];
}
