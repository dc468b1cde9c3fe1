/** What a collection found, in figures and tables. */
import type { ArchiveRecord } from '../archive/archive-record.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { LivingProcess } from './chart.js';
import { type MetricsFile, SKIP_REASONS, type SkipReason } from './metrics-file.js';

/** What a scrape found, for the self-metrics. */
export interface CollectionStats {
  readonly live: number;
  readonly dead: number;
  readonly unknown: number;
  readonly skipped: Readonly<Record<SkipReason, number>>;
  readonly series: number;
  readonly fileBytes: number;
  readonly bytesInMemory: number;
  /** Parts of series that are left out, since a value of theirs is not a finite number. */
  readonly unusableSeries: number;
  readonly pidConflicts: number;
  readonly conflicts: Readonly<Record<string, number>>;
  /** Of the living process that beat longest ago. */
  readonly heartbeatAgeSeconds: number;
  /** Of the dead whose files are there still. */
  readonly deadBytes: number;
  /** Undefined where there is none. */
  readonly archive: ArchiveRecord | undefined;
}

export interface ProcessInfo {
  readonly pid: number;
  readonly thread: number;
  readonly state: 'live' | 'dead' | 'unknown';
  /** Seconds since the epoch. */
  readonly startedAt: number;
  readonly series: number;
  readonly sizeBytes: number;
  /** Seconds since the epoch of its last heartbeat; undefined for Python's processes, which have none. */
  readonly lastBeatAt: number | undefined;
  readonly hostName: string;
  /** Its file; a pattern, where a process has several. */
  readonly file: string;
  /** What writes it: this package, or client_python. */
  readonly kind: 'node' | 'python';
}

export interface SkippedFile {
  readonly name: string;
  readonly reason: SkipReason;
  /** What is wrong with it, in words. */
  readonly error: string;
}

/** What decides whether merging is worth a thread, and folding is due. */
export interface Totals {
  readonly fileBytes: number;
  /** Of files that can be folded. */
  readonly dead: { readonly files: number; readonly bytes: number };
}

export function totalsOf(files: readonly MetricsFile[]): Totals {
  const total = { fileBytes: 0, dead: { files: 0, bytes: 0 } };
  for (const { kind, liveness, sizeBytes } of files) {
    if (kind === 'archive') continue;
    total.fileBytes += sizeBytes;
    if (liveness !== 'dead' || kind !== 'node') continue;
    total.dead.files++;
    total.dead.bytes += sizeBytes;
  }
  return total;
}

/** How many files were skipped, by reason. */
export function skippedByReason(skipped: Iterable<SkippedFile>): Record<SkipReason, number> {
  const counts = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, 0])) as Record<SkipReason, number>;
  for (const { reason } of skipped) counts[reason]++;
  return counts;
}

/** @param selected whose series and conflicts are counted */
export function statsOf(
  files: readonly MetricsFile[],
  selected: SelectedFamilies,
  found: Pick<CollectionStats, 'skipped' | 'unusableSeries' | 'pidConflicts' | 'archive'>,
): CollectionStats {
  const now = Date.now() / 1000;
  const processes = processesOf(files);
  const inState = (state: ProcessInfo['state']): number => processes.filter((each) => each.state === state).length;
  // of main threads: an idle worker thread of piscina's waits in Atomics, and its event loop is not to turn
  const beats = processes
    .filter(({ state, thread, lastBeatAt }) => state !== 'dead' && thread === 0 && lastBeatAt !== undefined)
    .map(({ lastBeatAt }) => now - lastBeatAt!);
  const conflicts: Record<string, number> = {};
  for (const { reason } of selected.conflicts()) conflicts[reason] = (conflicts[reason] ?? 0) + 1;
  const { fileBytes, dead } = totalsOf(files);
  return {
    live: inState('live'),
    dead: inState('dead'),
    unknown: inState('unknown'),
    series: selected.seriesCount,
    fileBytes,
    bytesInMemory: files.reduce((sum, { bytesInMemory }) => sum + bytesInMemory, 0),
    conflicts,
    heartbeatAgeSeconds: beats.reduce((oldest, age) => Math.max(oldest, age), 0),
    deadBytes: dead.bytes,
    ...found,
  };
}

/** One row a process or thread. client_python has a file for each type and gauge mode; they make one row. */
export function processesOf(files: readonly MetricsFile[]): ProcessInfo[] {
  const rows = new Map<string, ProcessInfo>();
  for (const { kind, name, writer, liveness, part, sizeBytes, lastBeatAt } of files) {
    if (kind === 'archive') continue;
    const { pid, threadId: thread, label, startedAt, hostName } = writer;
    const key = kind === 'node' ? name : label;
    const known = rows.get(key);
    rows.set(key, {
      pid,
      thread,
      state: liveness,
      startedAt: Math.min(startedAt, known?.startedAt ?? Infinity),
      series: part.seriesCount + (known?.series ?? 0),
      sizeBytes: sizeBytes + (known?.sizeBytes ?? 0),
      lastBeatAt,
      hostName,
      file: kind === 'node' ? name : `*_${label}.db`,
      kind,
    });
  }
  return [...rows.values()];
}

/** The processes that are alive as far as one can tell, and what their files add. */
export function livingOf(files: readonly MetricsFile[]): LivingProcess[] {
  return files
    .filter(({ kind, liveness }) => kind !== 'archive' && liveness !== 'dead')
    .map(({ writer, part }) => ({ label: writer.label, part }));
}
