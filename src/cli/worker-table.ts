/** The table of workers of `prom-multiproc top`. */
import type { ProcessInfo } from '../collector/report.js';
import { failedShare } from '../collector/request-rates.js';
import type { Finding } from '../collector/verdict.js';
import { colour, colouredState } from './colour.js';
import { bytes, columns, duration, timeAgo } from './print.js';

interface Column {
  readonly head: string;
  /** The key that sorts by this column. */
  readonly key?: string;
  /** The largest first. */
  readonly sortBy?: (worker: ProcessInfo) => number;
  /** Where the terminal is too narrow for all columns, those with the largest number are left out first. */
  readonly rank: number;
  readonly show: (worker: ProcessInfo, now: number) => string;
}

/** A column that sorts by the figure it shows; `-` where it is not known. */
function figure(
  [head, rank, key]: readonly [head: string, rank: number, key?: string],
  valueOf: (worker: ProcessInfo) => number | undefined,
  textOf: (value: number) => string,
): Column {
  return {
    ...{ head, rank, key, sortBy: (worker) => valueOf(worker) ?? -1 },
    show: (worker) => {
      const value = valueOf(worker);
      return value === undefined ? '-' : textOf(value);
    },
  };
}

const COLUMNS: readonly Column[] = [
  {
    head: 'PID',
    rank: 0,
    key: 'p',
    sortBy: ({ pid }) => -pid,
    show: ({ pid, thread }) => (thread === 0 ? String(pid) : `${pid}.${thread}`),
  },
  {
    head: 'STATE',
    rank: 4,
    show: ({ state, endedNormally }) => (state === 'dead' ? (endedNormally ? 'ended' : 'killed') : state),
  },
  figure(['CPU', 1, 'c'], ({ vitals }) => vitals?.cpuShare, percent),
  figure(['MEMORY', 2, 'm'], ({ vitals }) => vitals?.residentBytes, bytes),
  figure(
    ['LAG', 3, 'l'],
    ({ vitals }) => vitals?.loopLagSeconds,
    (seconds) => `${Math.round(seconds * 1000)} ms`,
  ),
  figure(
    ['REQ/S', 5, 'r'],
    ({ requests }) => requests?.perSecond,
    (rate) => rate.toFixed(1),
  ),
  figure(['5XX', 6, 'e'], ({ requests }) => failedShare(requests), percent),
  figure(['LOOP', 9], ({ vitals }) => vitals?.loopShare, percent),
  figure(['GC', 8, 'g'], ({ vitals }) => vitals?.gcShare, percent),
  {
    head: 'AGE',
    rank: 7,
    key: 'a',
    sortBy: ({ startedAt }) => startedAt,
    show: ({ startedAt }, now) => duration(now - startedAt),
  },
  figure(['RESTARTS', 10], ({ vitals }) => vitals?.restarts, String),
  figure(['SERIES', 11, 's'], ({ series }) => series, String),
  { head: 'LAST BEAT', rank: 12, show: ({ lastBeatAt }, now) => timeAgo(lastBeatAt, now) },
  { head: 'KIND', rank: 13, show: ({ kind }) => kind },
];

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** Between two columns. */
const GAP = 2;
const MARK_WIDTH = 1;

export const SORT_KEYS: ReadonlyMap<string, string> = new Map(
  COLUMNS.flatMap(({ key, head }) => (key === undefined ? [] : [[key, head] as const])),
);

/**
 * Those that the verdict names first, in its order, or by the key; dead ones last. A mark and a colour show which ones the verdict names.
 *
 * @param width of the terminal
 */
export function workerTable(
  workers: readonly ProcessInfo[],
  findings: readonly Finding[],
  { most, width, sortKey }: { most: number; width: number; sortKey?: string },
): string {
  const now = Date.now() / 1000;
  const named = [...new Set(findings.map(({ process }) => process))];
  const { sortBy } = COLUMNS.find(({ key }) => key !== undefined && key === sortKey) ?? {};
  const places = new Map(named.map((file, at) => [file, at - named.length]));
  const rank = ({ file, state }: ProcessInfo): number => places.get(file) ?? Number(state === 'dead');
  const ordered = workers.toSorted((a, b) => (sortBy === undefined ? rank(a) - rank(b) : sortBy(b) - sortBy(a)));
  const rows = ordered.slice(0, most).map((worker) => ({
    mark: places.has(worker.file) ? '!' : '',
    cells: new Map(COLUMNS.map((column) => [column, column.show(worker, now)])),
  }));
  const shown = fitting(
    rows.map(({ cells }) => cells),
    width,
    sortKey,
  );
  return columns(
    ['', ...shown.map(({ head }) => head)],
    rows.map(({ mark, cells }) => [mark, ...shown.map((column) => cells.get(column)!)]),
    { '': colour.red, STATE: colouredState },
  );
}

/** The columns that a terminal is wide enough for; the one that sorts is among them. */
function fitting(rows: readonly ReadonlyMap<Column, string>[], width: number, sortKey: string | undefined): Column[] {
  const widthOf = (column: Column): number =>
    GAP + Math.max(column.head.length, ...rows.map((row) => row.get(column)!.length));
  let room = width - MARK_WIDTH;
  const chosen = new Set<Column>();
  const isSorting = ({ key }: Column): boolean => key !== undefined && key === sortKey;
  const byRank = COLUMNS.toSorted((a, b) => Number(isSorting(b)) - Number(isSorting(a)) || a.rank - b.rank);
  for (const column of byRank) {
    room -= widthOf(column);
    if (room < 0) break;
    chosen.add(column);
  }
  return COLUMNS.filter((column) => chosen.has(column));
}
