/**
 * The problems of the processes of a directory, in words: the rules of the status page, of `prom-multiproc check --health`, and of
 * the alerts in examples/monitoring. A rule is a row; it judges one moment, so that every reader gets the same verdict.
 */
import { hostname } from 'node:os';
import type { Conflict } from '../merge/selected-families.js';
import type { CollectionStats, ProcessInfo, SkippedFile } from './report.js';
import { failedShare } from './request-rates.js';

/** One thing that is wrong. */
export interface Finding {
  readonly rule: string;
  /** `bad`: counts or requests are being lost. `warning`: somebody should look. */
  readonly level: 'bad' | 'warning';
  readonly text: string;
  /** The file of the process. */
  readonly process?: string;
  readonly metric?: string;
}

export interface VerdictInput {
  readonly collectedAtMs: number;
  readonly stats: Pick<CollectionStats, 'live' | 'unknown' | 'bytesInMemory'>;
  readonly folding: { readonly waitingFiles: number };
  readonly processes: readonly ProcessInfo[];
  readonly families: readonly { readonly name: string; readonly series: number; readonly newSeries: number }[];
  readonly skippedFiles: readonly SkippedFile[];
  readonly conflicts: readonly Conflict[];
}

interface Rule {
  readonly name: string;
  /** The alert of examples/monitoring/alerts.yml for the same problem. */
  readonly alert: string;
  readonly judge: (input: VerdictInput) => Judged[];
}

interface Judged extends Omit<Finding, 'rule'> {
  /** Of many findings of a rule those with the largest are listed. */
  readonly weight?: number;
}

/** A rule about single processes. */
function eachProcess(
  judge: (process: ProcessInfo, input: VerdictInput) => Omit<Judged, 'process'> | undefined,
): Rule['judge'] {
  return (input) =>
    input.processes.flatMap((process) => {
      const judged = judge(process, input);
      return judged === undefined ? [] : { ...judged, process: process.file };
    });
}

/** A process beats every 5 s, if its event loop turns. */
const STALE_SECONDS = 8;
/** The clock of another host may differ. */
const STALE_ELSEWHERE_SECONDS = 60;
const LAG_SECONDS = 0.1;
const BUSY_SHARE = 0.95;
/** A killed process is reported for so long. */
const RECENT_SECONDS = 300;
/** Of the requests of the last seconds. */
const FAILING = { share: 0.05, requests: 3 };
const UNEVEN_MEMORY = { factor: 2, bytes: 64 * 1024 * 1024, processes: 3 };
const NEARLY_FULL = 0.9;
const GROWTH = { share: 0.5, series: 200 };
/** A scrape folds ten files or more. */
const WAITING_FILES = 100;
/** Findings of one rule that are listed; a further line has the number of the others. */
const MAX_OF_A_RULE = 5;

export const RULES: readonly Rule[] = [
  {
    name: 'stale',
    alert: 'MultiprocWorkersStalled',
    judge: eachProcess((process, { collectedAtMs }) => {
      const age = collectedAtMs / 1000 - (process.lastBeatAt ?? Infinity);
      const limit = process.hostName === hostname() ? STALE_SECONDS : STALE_ELSEWHERE_SECONDS;
      if (!isMain(process) || age <= limit) return undefined;
      const text = `${nameOf(process)} does not react: its last beat was ${Math.round(age)} s ago, so its event loop is blocked or it is stopped`;
      return { level: 'bad', text, weight: age };
    }),
  },
  {
    name: 'killed',
    alert: 'MultiprocWorkersDie',
    judge: eachProcess((process, { collectedAtMs }) => {
      const ago = collectedAtMs / 1000 - (process.lastBeatAt ?? 0);
      const isKilled = process.state === 'dead' && !process.endedNormally && process.thread === 0;
      if (!isKilled || ago > RECENT_SECONDS) return undefined;
      const text = `${nameOf(process)} was killed or crashed: its last beat was ${Math.max(0, Math.round(ago))} s ago`;
      return { level: 'bad', text, weight: -ago };
    }),
  },
  {
    name: 'none',
    alert: 'MultiprocNoWorkers',
    judge: ({ stats: { live, unknown } }) =>
      live + unknown > 0 ? [] : [{ level: 'bad', text: 'no living process uses the directory' }],
  },
  {
    name: 'lag',
    alert: 'EventLoopLags',
    judge: eachProcess((process) => {
      const { loopLagSeconds: lag = 0, loopShare: busy = 0 } = process.vitals ?? {};
      if (!isMain(process) || (lag <= LAG_SECONDS && busy <= BUSY_SHARE)) return undefined;
      const state =
        lag > LAG_SECONDS
          ? `stood still for ${shownSeconds(lag)}`
          : `is busy for ${Math.round(busy * 100)} % of the time`;
      const text = `the event loop of ${nameOf(process)} ${state}`;
      return { level: lag > 1 ? 'bad' : 'warning', text, weight: lag + busy };
    }),
  },
  {
    name: 'failing',
    alert: 'HttpErrorsHigh',
    judge: eachProcess((process) => {
      const { failedPerSecond: failed = 0, seconds = 0 } = process.requests ?? {};
      const share = failedShare(process.requests) ?? 0;
      const isFailing = failed * seconds >= FAILING.requests && share >= FAILING.share;
      if (process.state === 'dead' || !isFailing) return undefined;
      const text = `${nameOf(process)} fails ${Math.round(share * 100)} % of its requests with a status of 5xx`;
      return { level: 'bad', text, weight: share };
    }),
  },
  {
    name: 'memory',
    alert: 'WorkerMemoryUneven',
    judge: ({ processes }) => {
      const sized = processes.filter((process) => isMain(process) && process.vitals?.residentBytes !== undefined);
      if (sized.length < UNEVEN_MEMORY.processes) return [];
      const bytesOf = ({ vitals }: ProcessInfo): number => vitals!.residentBytes!;
      const sorted = sized.map(bytesOf).toSorted((a, b) => a - b);
      const median = sorted[(sorted.length - 1) >> 1];
      return sized.flatMap((process) => {
        const own = bytesOf(process);
        if (own < UNEVEN_MEMORY.factor * median || own < median + UNEVEN_MEMORY.bytes) return [];
        const text = `${nameOf(process)} holds ${mebibytes(own)} of memory, where the others hold about ${mebibytes(median)}`;
        return [{ level: 'warning', text, process: process.file, weight: own }];
      });
    },
  },
  {
    name: 'skipped',
    alert: 'MultiprocMetricsFilesSkipped',
    judge: ({ skippedFiles }) =>
      skippedFiles.map(({ name, reason }) => ({
        level: 'bad',
        text: `the file ${name} is skipped (${reason.replaceAll('_', ' ')}): its counts are missing`,
      })),
  },
  {
    name: 'memory-mode',
    alert: 'MultiprocMetricsInMemory',
    judge: ({ stats: { bytesInMemory } }) => {
      const text = `${bytesInMemory} bytes of metrics are counted in memory for want of room, and are lost when their process dies`;
      return bytesInMemory === 0 ? [] : [{ level: 'bad', text }];
    },
  },
  {
    name: 'full',
    alert: 'MultiprocSamplesDropped',
    judge: eachProcess((process) => {
      const { seriesShare = 0 } = process.vitals ?? {};
      if (process.state === 'dead' || seriesShare < NEARLY_FULL) return undefined;
      const full = seriesShare >= 1;
      const text = `${nameOf(process)} has ${full ? 'reached its limit of series: further samples are dropped' : `${Math.floor(seriesShare * 100)} % of the series that it may have`}`;
      return { level: full ? 'bad' : 'warning', text, weight: seriesShare };
    }),
  },
  {
    name: 'growth',
    alert: 'MultiprocSeriesGrow',
    judge: ({ families }) =>
      families.flatMap(({ name, series, newSeries }) => {
        const older = series - newSeries;
        if (older === 0 || newSeries < GROWTH.series || newSeries < GROWTH.share * older) return [];
        const text = `${name} grew from ${older} to ${series} series within the hour: a label may have too many values`;
        return [{ level: 'warning', text, metric: name, weight: newSeries }];
      }),
  },
  {
    name: 'conflict',
    alert: 'MultiprocConflictingDeclarations',
    judge: ({ conflicts }) => conflicts.map(({ family, text }) => ({ level: 'warning', text, metric: family })),
  },
  {
    name: 'folding',
    alert: 'MultiprocFoldingBehind',
    judge: ({ folding: { waitingFiles } }) => {
      const text = `${waitingFiles} files of dead processes wait to be folded: each scrape reads them`;
      return waitingFiles <= WAITING_FILES ? [] : [{ level: 'warning', text }];
    },
  },
];

/** Returns the problems, the worst first. */
export function verdictOf(input: VerdictInput): Finding[] {
  const found = RULES.flatMap(({ name, judge }): Finding[] => {
    const all = judge(input);
    const heaviest = all.toSorted(({ weight: one = 0 }, { weight: other = 0 }) => other - one);
    const listed = all.length <= MAX_OF_A_RULE ? all : heaviest.slice(0, MAX_OF_A_RULE);
    const findings = listed.map(({ weight: _weight, ...finding }): Finding => ({ rule: name, ...finding }));
    const others = all.length - listed.length;
    return others === 0
      ? findings
      : [...findings, { rule: name, level: listed[0].level, text: `${others} more like that` }];
  });
  return [...found.filter(({ level }) => level === 'bad'), ...found.filter(({ level }) => level !== 'bad')];
}

/** A living main thread of this package: an idle worker thread of a pool does not turn its event loop. */
function isMain({ thread, state, kind }: ProcessInfo): boolean {
  return thread === 0 && state !== 'dead' && kind === 'node';
}

function nameOf({ pid, thread }: ProcessInfo): string {
  return thread === 0 ? `process ${pid}` : `thread ${thread} of process ${pid}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}

function shownSeconds(seconds: number): string {
  return seconds < 1 ? `${Math.round(seconds * 1000)} ms` : `${Number(seconds.toPrecision(3))} s`;
}
