/** The table of workers of `prom-multiproc top`. */
import type { ProcessInfo } from '../collector/report.js';
import { failedShare } from '../collector/request-rates.js';
import type { Finding } from '../collector/verdict.js';
import { colour } from './colour.js';
import { bytes, columns, duration } from './print.js';

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

const percent = (share: number | undefined): string =>
  share === undefined ? '-' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

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
  {
    head: 'CPU',
    rank: 1,
    key: 'c',
    sortBy: ({ vitals }) => vitals?.cpuShare ?? -1,
    show: ({ vitals }) => percent(vitals?.cpuShare),
  },
  {
    head: 'MEMORY',
    rank: 2,
    key: 'm',
    sortBy: ({ vitals }) => vitals?.residentBytes ?? -1,
    show: ({ vitals }) => (vitals?.residentBytes === undefined ? '-' : bytes(vitals.residentBytes)),
  },
  {
    head: 'LAG',
    rank: 3,
    key: 'l',
    sortBy: ({ vitals }) => vitals?.loopLagSeconds ?? -1,
    show: ({ vitals }) => milliseconds(vitals?.loopLagSeconds),
  },
  {
    head: 'REQ/S',
    rank: 5,
    key: 'r',
    sortBy: ({ requests }) => requests?.perSecond ?? -1,
    show: ({ requests }) => requests?.perSecond.toFixed(1) ?? '-',
  },
  {
    head: '5XX',
    rank: 6,
    key: 'e',
    sortBy: ({ requests }) => failedShare(requests) ?? -1,
    show: ({ requests }) => percent(failedShare(requests)),
  },
  { head: 'LOOP', rank: 9, show: ({ vitals }) => percent(vitals?.loopShare) },
  {
    head: 'GC',
    rank: 8,
    key: 'g',
    sortBy: ({ vitals }) => vitals?.gcShare ?? -1,
    show: ({ vitals }) => percent(vitals?.gcShare),
  },
  {
    head: 'AGE',
    rank: 7,
    key: 'a',
    sortBy: ({ startedAt }) => startedAt,
    show: ({ startedAt }, now) => duration(now - startedAt),
  },
  {
    head: 'RESTARTS',
    rank: 10,
    sortBy: ({ vitals }) => vitals?.restarts ?? -1,
    show: ({ vitals }) => String(vitals?.restarts ?? '-'),
  },
  { head: 'SERIES', rank: 11, key: 's', sortBy: ({ series }) => series, show: ({ series }) => String(series) },
  {
    head: 'LAST BEAT',
    rank: 12,
    show: ({ lastBeatAt }, now) => (lastBeatAt === undefined ? '-' : `${duration(now - lastBeatAt)} ago`),
  },
  { head: 'KIND', rank: 13, show: ({ kind }) => kind },
];

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
  { most, width, sortKey, now = Date.now() / 1000 }: { most: number; width: number; sortKey?: string; now?: number },
): string {
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
    { '': colour.red, STATE: painted },
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

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  live: colour.green,
  killed: colour.red,
  unknown: colour.yellow,
};

/** The colour repeats what the word tells, for readers and terminals without colours. */
function painted(state: string): string {
  return COLOURS[state.trim()]?.(state) ?? state;
}

function milliseconds(seconds: number | undefined): string {
  return seconds === undefined ? '-' : `${Math.round(seconds * 1000)} ms`;
}
