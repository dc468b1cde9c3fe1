import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessInfo } from '../collector/report.js';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { PromMultiprocError } from '../errors.js';
import { labelText, samplePrefix } from '../exposition/labels.js';
import type { MetricFamily } from '../model/metric-family.js';
import { metricKind } from '../model/metric-kind.js';
import { colour } from './colour.js';
import { existingDirectory } from './existing-directory.js';
import { columns, plain, print } from './print.js';
import { processTable } from './ps.js';

interface TopOptions {
  readonly dir?: string;
  readonly interval: string;
  readonly count?: string;
  readonly json?: boolean;
}

interface SeriesRate {
  readonly series: string;
  readonly total: number;
  /** Since the look before; 0 in the first one. */
  readonly perSecond: number;
}

/** Where the output is no terminal there is no height to keep to. */
const FEW_LINES = 24;
const MAX_PROCESSES = 10;
/** A day; timers hold no more than 24 of them. */
const LONGEST_SECONDS = 86_400;
const CLEAR = '\u001b[H\u001b[J';

/** The processes, and the counters that move fastest, look after look. */
export async function topCommand(options: TopOptions): Promise<void> {
  const seconds = within('--interval', options.interval, LONGEST_SECONDS);
  const looks = options.count === undefined ? Infinity : within('--count', options.count, Number.MAX_SAFE_INTEGER);
  const collector = new MultiprocessCollector({
    dir: existingDirectory(options.dir),
    selfMetrics: false,
    readOnly: true,
  });
  const waking = new AbortController();
  process.once('SIGINT', () => waking.abort());
  let before = new Map<string, number>();
  let lookedAt = performance.now();
  for (let look = 0; look < looks && !waking.signal.aborted; look++) {
    const [processes, families] = await Promise.all([collector.processes(), collector.families()]);
    const now = performance.now();
    const values = counterValues(families);
    const rates = ratesOf(before, values, look === 0 ? 0 : (now - lookedAt) / 1000);
    [before, lookedAt] = [values, now];
    if (options.json === true) print(JSON.stringify({ processes, series: rates }));
    else print(screen(processes, rates));
    if (look + 1 < looks) await sleep(seconds * 1000, undefined, { signal: waking.signal }).catch(() => {});
  }
  await collector.close();
}

/** One look: all of it on a pipe, and what there is room for on a terminal. */
function screen(processes: readonly ProcessInfo[], rates: readonly SeriesRate[]): string {
  const { isTTY, rows = FEW_LINES, columns: width } = process.stdout;
  const room = Math.max(5, rows - Math.min(processes.length, MAX_PROCESSES) - 6);
  const rateRows = rates.slice(0, room).map(({ perSecond, total, series }) => [perSecond, total, plain(series)]);
  const text = [
    `${processes.length} processes, ${rates.length} counter series`,
    processTable(processes, MAX_PROCESSES),
    '',
    columns(['PER SECOND', 'TOTAL', 'SERIES'], rateRows),
  ].join('\n');
  if (!isTTY) return text;
  const [title, ...lines] = text.split('\n').map((line) => truncated(line, width || Infinity));
  return `${CLEAR}${[colour.bold(title), ...lines].join('\n')}`;
}

/** A line that wraps would push the first ones off the screen. Escape sequences take no room. */
function truncated(line: string, width: number): string {
  // oxlint-disable-next-line no-control-regex -- colours begin with one
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

/** Counters and the counts of histograms and summaries, by their series. */
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
      // one that was reset has counted from 0 again, as Prometheus' rate() has it
      const rate = seconds > 0 ? (total < was ? total : total - was) / seconds : 0;
      return { series, total, perSecond: Math.round(rate * 10) / 10 };
    })
    .toSorted((a, b) => b.perSecond - a.perSecond || b.total - a.total);
}

function within(option: string, text: string, most: number): number {
  const value = Number(text);
  if (value > 0 && value <= most) return value;
  throw new PromMultiprocError(
    'ERR_INVALID_ARGUMENT',
    `${option} ${JSON.stringify(text)} is to be a number above 0${value > most ? `, and ${most} at most` : ''}`,
  );
}
