/** The results of a collection, as figures and tables. */
import type { ArchiveRecord } from '../archive/archive-record.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { RequestRate } from './request-rates.js';
import type { Vitals } from '../metrics-file/layout.js';
import { SKIP_REASONS, type SkipReason } from '../directory/skip-reason.js';
import type { MetricsFile } from './metrics-file.js';

/** Results of a scrape, for the self-metrics. */
export interface CollectionStats {
  readonly live: number;
  readonly dead: number;
  readonly unknown: number;
  readonly skipped: Readonly<Record<SkipReason, number>>;
  readonly series: number;
  readonly fileBytes: number;
  readonly bytesInMemory: number;
  /** Parts of series that are left out because one of their values is not a finite number. */
  readonly unusableSeries: number;
  readonly pidConflicts: number;
  readonly conflicts: Readonly<Record<string, number>>;
  /** Age of the oldest heartbeat among living processes. */
  readonly heartbeatAgeSeconds: number;
  /** Bytes of files of dead processes. */
  readonly deadBytes: number;
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
  /** Last heartbeat, in seconds since the epoch; undefined for Python's processes, which have none. */
  readonly lastBeatAt: number | undefined;
  readonly hostName: string;
  /** Its file; a pattern, where a process has several. */
  readonly file: string;
  /** The library that writes it: this package, or client_python. */
  readonly kind: 'node' | 'python';
  /** Its own measurements at its last heartbeat; undefined for Python's processes. */
  readonly vitals: Vitals | undefined;
  /** Whether it has ended normally, and was not killed. */
  readonly endedNormally: boolean;
  /** The HTTP requests that a known metric counts, over the last seconds; only in a status, from the second one on. */
  readonly requests?: RequestRate;
}

export interface SkippedFile {
  readonly name: string;
  readonly reason: SkipReason;
  readonly error: string;
}

/** The blocks of a file with a few series of each type. */
const SMALL_FILE_BYTES = 24 * 1024;
/** The part that a small file counts. */
const OPENING_BYTES = 4 * 1024;

/**
 * The part of a file's size that counts in the choice between the main thread and a thread of its own. Small files count
 * little: 221 of them took 100 ms of CPU time inline and 5 ms in later scrapes. In a thread they took 450 ms and 20 ms, and
 * the thread had 25 MB and 100 memory mappings (Node 20).
 */
export function mergeBytesOf(sizeBytes: number): number {
  return OPENING_BYTES + Math.max(0, sizeBytes - SMALL_FILE_BYTES);
}

/** Figures that decide whether to merge in a thread, and whether a fold is due. */
export interface Totals {
  /** As `mergeBytesOf` counts them, with the archives. */
  readonly mergeBytes: number;
  /** Of data files, without the archives. */
  readonly fileBytes: number;
  /** Files that can be folded. */
  readonly dead: { readonly files: number; readonly bytes: number };
}

export function totalsOf(files: readonly MetricsFile[]): Totals {
  const total = { mergeBytes: 0, fileBytes: 0, dead: { files: 0, bytes: 0 } };
  for (const { kind, liveness, sizeBytes } of files) {
    total.mergeBytes += mergeBytesOf(sizeBytes);
    if (kind === 'archive') continue;
    total.fileBytes += sizeBytes;
    if (liveness !== 'dead' || kind !== 'node') continue;
    total.dead.files++;
    total.dead.bytes += sizeBytes;
  }
  return total;
}

export function skippedByReason(skipped: Iterable<SkippedFile>): Record<SkipReason, number> {
  const counts = Object.fromEntries(SKIP_REASONS.map((reason) => [reason, 0])) as Record<SkipReason, number>;
  for (const { reason } of skipped) counts[reason]++;
  return counts;
}

/** @param selected the families whose series and conflicts are counted */
export function statsOf(
  files: readonly MetricsFile[],
  selected: SelectedFamilies,
  found: Pick<CollectionStats, 'skipped' | 'unusableSeries' | 'pidConflicts' | 'archive'>,
): CollectionStats {
  const now = Date.now() / 1000;
  const processes = processesOf(files);
  const inState = (state: ProcessInfo['state']): number => processes.filter((each) => each.state === state).length;
  // main threads only: an idle worker thread of piscina waits in Atomics, where its event loop does not turn
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
    bytesInMemory: files.reduce((sum, { record }) => sum + (record?.bytesInMemory ?? 0), 0),
    conflicts,
    heartbeatAgeSeconds: beats.reduce((oldest, age) => Math.max(oldest, age), 0),
    deadBytes: dead.bytes,
    ...found,
  };
}

/** One row per process or thread. client_python has a file for each type and gauge mode; they make one row. */
export function processesOf(
  files: readonly MetricsFile[],
  requestsOf: (file: string) => RequestRate | undefined = () => undefined,
): ProcessInfo[] {
  const rows = new Map<string, ProcessInfo>();
  for (const { kind, writer, liveness, part, sizeBytes, record } of files) {
    if (kind === 'archive') continue;
    const { pid, threadId: thread, startedAt, hostName, files: key } = writer;
    const known = rows.get(key);
    rows.set(key, {
      pid,
      thread,
      state: liveness,
      startedAt: Math.min(startedAt, known?.startedAt ?? Infinity),
      series: part.seriesCount + (known?.series ?? 0),
      sizeBytes: sizeBytes + (known?.sizeBytes ?? 0),
      lastBeatAt: record?.lastBeatAt,
      hostName,
      file: key,
      kind,
      vitals: record?.vitals,
      endedNormally: liveness === 'dead' && record?.isClosed === true,
      requests: requestsOf(key),
    });
  }
  return [...rows.values()];
}
