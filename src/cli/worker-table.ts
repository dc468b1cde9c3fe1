/** The table of workers of `prom-multiproc top`. */
import type { ProcessInfo } from '../collector/report.js';
import type { RequestRate } from '../collector/request-rates.js';
import type { Finding } from '../collector/verdict.js';
import { colour } from './colour.js';
import { bytes, columns, duration } from './print.js';

/** A process, with its requests since the reading before. */
export interface Worker extends ProcessInfo {
  readonly rate: RequestRate | undefined;
}

interface Column {
  readonly head: string;
  /** The key that sorts by this column. */
  readonly key?: string;
  /** The largest first. */
  readonly sortBy?: (worker: Worker) => number;
  /** Terminals narrower than this many columns do without it. */
  readonly from?: number;
  readonly show: (worker: Worker, now: number) => string;
}

const percent = (share: number | undefined): string =>
  share === undefined ? '-' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

const COLUMNS: readonly Column[] = [
  {
    head: 'PID',
    key: 'p',
    sortBy: ({ pid }) => -pid,
    show: ({ pid, thread }) => (thread === 0 ? String(pid) : `${pid}.${thread}`),
  },
  {
    head: 'STATE',
    show: ({ state, endedNormally }) => (state === 'dead' ? (endedNormally ? 'ended' : 'killed') : state),
  },
  {
    head: 'CPU',
    key: 'c',
    sortBy: ({ vitals }) => vitals?.cpuShare ?? -1,
    show: ({ vitals }) => percent(vitals?.cpuShare),
  },
  {
    head: 'MEMORY',
    key: 'm',
    sortBy: ({ vitals }) => vitals?.residentBytes ?? -1,
    show: ({ vitals }) => (vitals?.residentBytes === undefined ? '-' : bytes(vitals.residentBytes)),
  },
  {
    head: 'LAG',
    key: 'l',
    sortBy: ({ vitals }) => vitals?.loopLagSeconds ?? -1,
    show: ({ vitals }) => milliseconds(vitals?.loopLagSeconds),
  },
  {
    head: 'REQ/S',
    key: 'r',
    sortBy: ({ rate }) => rate?.perSecond ?? -1,
    show: ({ rate }) => rate?.perSecond.toFixed(1) ?? '-',
  },
  {
    head: '5XX',
    key: 'e',
    sortBy: ({ rate }) => rate?.failedShare ?? -1,
    show: ({ rate }) => percent(rate?.failedShare),
  },
  { head: 'LOOP', from: 80, show: ({ vitals }) => percent(vitals?.loopShare) },
  {
    head: 'GC',
    key: 'g',
    from: 80,
    sortBy: ({ vitals }) => vitals?.gcShare ?? -1,
    show: ({ vitals }) => percent(vitals?.gcShare),
  },
  {
    head: 'AGE',
    key: 'a',
    sortBy: ({ startedAt }) => startedAt,
    show: ({ startedAt }, now) => duration(now - startedAt),
  },
  {
    head: 'RESTARTS',
    from: 90,
    sortBy: ({ vitals }) => vitals?.restarts ?? -1,
    show: ({ vitals }) => String(vitals?.restarts ?? '-'),
  },
  { head: 'SERIES', key: 's', from: 100, sortBy: ({ series }) => series, show: ({ series }) => String(series) },
  {
    head: 'LAST BEAT',
    from: 100,
    show: ({ lastBeatAt }, now) => (lastBeatAt === undefined ? '-' : `${duration(now - lastBeatAt)} ago`),
  },
  { head: 'KIND', from: 110, show: ({ kind }) => kind },
];

export const SORT_KEYS: ReadonlyMap<string, string> = new Map(
  COLUMNS.flatMap(({ key, head }) => (key === undefined ? [] : [[key, head] as const])),
);

/**
 * Those that the verdict names first, or by the key; dead ones last. A mark and a colour show which ones the verdict names.
 *
 * @param width of the terminal
 */
export function workerTable(
  workers: readonly Worker[],
  findings: readonly Finding[],
  { most, width, sortKey, now = Date.now() / 1000 }: { most: number; width: number; sortKey?: string; now?: number },
): string {
  const named = new Set(findings.map(({ process }) => process));
  const { sortBy } = COLUMNS.find(({ key }) => key !== undefined && key === sortKey) ?? {};
  const rank = (worker: Worker): number => Number(!named.has(worker.file)) * 2 + Number(worker.state === 'dead');
  const ordered = workers.toSorted((a, b) => (sortBy === undefined ? rank(a) - rank(b) : sortBy(b) - sortBy(a)));
  const shown = COLUMNS.filter(({ from = 0 }) => width >= from);
  const rows = ordered
    .slice(0, most)
    .map((worker) => [named.has(worker.file) ? '!' : '', ...shown.map(({ show }) => show(worker, now))]);
  return columns(['', ...shown.map(({ head }) => head)], rows, { '': colour.red, STATE: painted });
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
