import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessInfo } from '../collector/report.js';
import type { Finding } from '../collector/verdict.js';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { labelText, samplePrefix } from '../exposition/labels.js';
import type { MetricFamily } from '../model/metric-family.js';
import { metricKind } from '../model/metric-kind.js';
import { colour, findingLine } from './colour.js';
import { existingDirectory } from './existing-directory.js';
import { positiveNumber } from './option-value.js';
import { columns, plain, print } from './print.js';
import { SORT_KEYS, workerTable } from './worker-table.js';

interface TopOptions {
  readonly dir?: string;
  readonly interval: string;
  readonly count?: string;
  readonly json?: boolean;
}

interface SeriesRate {
  readonly total: number;
  /** Since the reading before. */
  readonly perSecond: number;
  readonly series: string;
}

/** The number of lines where the height of the terminal is not known. */
const FEW_LINES = 24;
const MAX_PROCESSES = 10;
const MAX_FINDINGS = 4;
/** Ctrl-C, which is a key while the terminal is raw. */
const INTERRUPT = '\u0003';
/** A day. Node's timers can hold at most 24 days. */
const MAX_INTERVAL_SECONDS = 86_400;
/** Time between the reading before the first screen and the screen, so that it has rates. */
const FIRST_MS = 500;
const CLEAR = '\u001b[H\u001b[J';

/** Prints the processes and the counters that grow fastest, again after every interval. */
export async function topCommand(options: TopOptions): Promise<void> {
  const seconds = positiveNumber('--interval', options.interval, MAX_INTERVAL_SECONDS);
  const updates =
    options.count === undefined ? Infinity : positiveNumber('--count', options.count, Number.MAX_SAFE_INTEGER);
  const collector = new MultiprocessCollector({
    dir: existingDirectory(options.dir),
    selfMetrics: false,
    readOnly: true,
  });
  const waking = new AbortController();
  process.once('SIGINT', () => waking.abort());
  const keys = listenForKeys(() => waking.abort());
  let before = new Map<string, number>();
  let updatedAt = performance.now();
  for (let update = -1; update < updates && !waking.signal.aborted; update++) {
    const [{ processes, verdict }, families] = await Promise.all([collector.status(), collector.families()]);
    const now = performance.now();
    const values = counterValues(families);
    const rates = ratesOf(before, values, (now - updatedAt) / 1000);
    [before, updatedAt] = [values, now];
    if (update >= 0 && options.json === true) print(JSON.stringify({ verdict, processes, series: rates }));
    else if (update >= 0) print(screen(processes, verdict, rates, keys.sortKey));
    const pauseMs = update < 0 ? Math.min(FIRST_MS, seconds * 1000) : seconds * 1000;
    if (update + 1 < updates) await sleep(pauseMs, undefined, { signal: waking.signal }).catch(() => {});
  }
  keys.close();
  await collector.close();
}

/** The text of one update: the whole text for a pipe, and as much as fits on a terminal. */
function screen(
  workers: readonly ProcessInfo[],
  findings: readonly Finding[],
  rates: readonly SeriesRate[],
  sortKey: string | undefined,
): string {
  const { isTTY, rows = FEW_LINES, columns: width } = process.stdout;
  const news = verdictLines(findings);
  const room = Math.max(3, rows - Math.min(workers.length, MAX_PROCESSES) - news.length - 7);
  const rateRows = rates.slice(0, room).map(({ perSecond, total, series }) => [perSecond, total, plain(series)]);
  const text = [
    `${workers.length} processes, ${rates.length} counter series`,
    ...news,
    workerTable(workers, findings, { most: MAX_PROCESSES, width: isTTY ? width || Infinity : Infinity, sortKey }),
    ...(isTTY ? [helpLine(sortKey, width || Infinity)] : []),
    '',
    columns(['PER SECOND', 'TOTAL', 'SERIES'], rateRows),
  ].join('\n');
  if (!isTTY) return text;
  const [title, ...lines] = text.split('\n').map((line) => truncated(line, width || Infinity));
  return `${CLEAR}${[colour.bold(title), ...lines].join('\n')}`;
}

function verdictLines(findings: readonly Finding[]): string[] {
  if (findings.length === 0) return [colour.green('healthy')];
  const lines = findings.slice(0, MAX_FINDINGS).map(findingLine);
  const others = findings.length - lines.length;
  return others === 0 ? lines : [...lines, `${others} more: prom-multiproc check --health`];
}

function helpLine(sortKey: string | undefined, width: number): string {
  const keys = [...SORT_KEYS].map(([key, head]) => ({ key: `${key === sortKey ? '*' : ''}${key}`, head }));
  const line = `sort ${keys.map(({ key, head }) => `${key}:${head.toLowerCase()}`).join(' ')}, end q`;
  return line.length <= width ? line : `sort ${keys.map(({ key }) => key).join(' ')}, end q`;
}

/** On a terminal, a key chooses the column that sorts the workers, and q ends. */
function listenForKeys(end: () => void): { readonly sortKey: string | undefined; close(): void } {
  const { stdin } = process;
  let sortKey: string | undefined;
  const take = (data: Buffer): void => {
    for (const key of data.toString('latin1')) {
      if (key === 'q' || key === INTERRUPT) end();
      else if (SORT_KEYS.has(key)) sortKey = key;
    }
  };
  const listens = stdin.isTTY && process.stdout.isTTY;
  if (listens) stdin.setRawMode(true).on('data', take).resume();
  return {
    get sortKey() {
      return sortKey;
    },
    close: () => {
      if (listens) stdin.setRawMode(false).off('data', take).pause();
    },
  };
}

/** Cuts a line at the width of the terminal: a line that wraps would push the first lines off the screen. Escape sequences have no width. */
function truncated(line: string, width: number): string {
  // oxlint-disable-next-line no-control-regex -- colours begin with a control character
  const parts = line.split(/(\u001b\[\d+m)/);
  let room = width;
  return parts
    .map((part, at) => {
      if (at % 2 === 1) return part;
      const shown = part.slice(0, room);
      room -= shown.length;
      return shown;
    })
    .join('');
}

/** The values of counters, and the counts of histograms and summaries, by series. */
function counterValues(families: readonly MetricFamily[]): Map<string, number> {
  const values = new Map<string, number>();
  for (const { name, type, samples } of families) {
    const counted = metricKind(type).countedName?.(name);
    for (const sample of samples) {
      if (sample.name !== counted) continue;
      values.set(samplePrefix(sample.name, labelText(sample.labels)).trimEnd(), sample.value);
    }
  }
  return values;
}

function ratesOf(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  seconds: number,
): SeriesRate[] {
  return [...after]
    .map(([series, total]): SeriesRate => {
      const was = before.get(series) ?? 0;
      // as in Prometheus' rate(), a counter that fell was reset and has counted from 0 again
      const rate = seconds > 0 ? (total < was ? total : total - was) / seconds : 0;
      return { series, total, perSecond: Math.round(rate * 10) / 10 };
    })
    .toSorted((a, b) => b.perSecond - a.perSecond || b.total - a.total);
}
