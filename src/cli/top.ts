import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { PromMultiprocError } from '../errors.js';
import { labelText, samplePrefix } from '../exposition/labels.js';
import type { MetricFamily } from '../model/metric-family.js';
import { existingDirectory } from './directory-option.js';
import { columns, plain, print } from './print.js';
import { processTable } from './ps.js';

interface TopOptions {
  readonly dir?: string;
  readonly interval: string;
  readonly count?: string;
}

/** Where the output is no terminal there is no height to keep to. */
const FEW_LINES = 24;
const CLEAR = '\u001b[H\u001b[J';

/** The processes, and the counters that move fastest, look after look. */
export async function topCommand(options: TopOptions): Promise<void> {
  const seconds = positive('--interval', options.interval);
  const looks = options.count === undefined ? Infinity : positive('--count', options.count);
  const collector = new MultiprocessCollector({ dir: existingDirectory(options.dir), selfMetrics: false });
  const terminal = process.stdout.isTTY;
  let running = true;
  const waking = new AbortController();
  process.once('SIGINT', () => {
    running = false;
    waking.abort();
  });
  let before = new Map<string, number>();
  let lookedAt = performance.now();
  for (let look = 0; running && look < looks; look++) {
    if (look > 0) await sleep(seconds * 1000, undefined, { signal: waking.signal }).catch(() => {});
    const [processes, families] = await Promise.all([collector.processes(), collector.families()]);
    const now = performance.now();
    const values = counterValues(families);
    const rates = ratesOf(before, values, look === 0 ? 0 : (now - lookedAt) / 1000);
    [before, lookedAt] = [values, now];
    const rows = Math.max(5, (process.stdout.rows ?? FEW_LINES) - Math.min(processes.length, 10) - 7);
    const bold = (text: string): string => (terminal ? pc.bold(text) : text);
    print(
      [
        `${terminal ? CLEAR : ''}${bold(`${processes.length} processes, ${values.size} counter series`)}`,
        processTable(processes.slice(0, 10)),
        '',
        columns(['PER SECOND', 'TOTAL', 'SERIES'], rates.slice(0, rows)),
      ].join('\n'),
    );
  }
  await collector.close();
}

/** Counters and the counts of histograms and summaries, by their series. */
function counterValues(families: readonly MetricFamily[]): Map<string, number> {
  const values = new Map<string, number>();
  for (const { name, type, samples } of families) {
    for (const sample of samples) {
      const counts = type === 'counter' ? sample.name === name : sample.name === `${name}_count`;
      if (counts) values.set(plain(samplePrefix(sample.name, labelText(sample.labels)).trimEnd()), sample.value);
    }
  }
  return values;
}

function ratesOf(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  seconds: number,
): [number, number, string][] {
  return [...after]
    .map(([series, value]): [number, number, string] => {
      const rate = seconds > 0 ? (value - (before.get(series) ?? 0)) / seconds : 0;
      return [Math.round(rate * 10) / 10, value, series];
    })
    .toSorted((a, b) => b[0] - a[0] || b[1] - a[1]);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (value > 0) return value;
  throw new PromMultiprocError('ERR_INVALID_ARGUMENT', `${option} ${JSON.stringify(text)} is to be a number above 0`);
}
