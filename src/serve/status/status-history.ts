/**
 * The last 15 minutes of what the status page shows, so that a page that is opened after an incident shows the incident. At most 5 MiB: 180
 * samples of 500 processes, and of 8 charts with 40 lines or 160 buckets. Figures are in typed arrays, and each text is kept once.
 */
import type { Chart, ChartRequest } from '../../collector/chart.js';
import type { DirectoryStatus } from '../../collector/directory-status.js';
import type { ProcessInfo } from '../../collector/report.js';

const SPAN_MS = 15 * 60_000;
const INTERVAL_MS = 5000;
/** Sampling takes at most this part of the time. */
const PAUSE_FACTOR = 50;
const MAX_SAMPLES = 180;
const MAX_CHARTS = 8;
const MAX_MARKS = 200;
/** More points than that make a page slow: of many processes it gets the largest values of every n samples. */
const MAX_POINTS = 150_000;

/** Per process and sample, in this order; NaN: not measured. */
const FIGURES = ['cpu', 'memory', 'lag', 'requests', 'failed', 'gc'] as const;
type Figure = (typeof FIGURES)[number];

interface ChartSample {
  readonly names: readonly string[];
  readonly values: Float64Array;
  readonly buckets: { readonly bounds: readonly number[]; readonly counts: Float64Array } | undefined;
}

interface Worker {
  readonly file: string;
  readonly name: string;
}

interface Sample {
  /** Seconds since the epoch. */
  readonly time: number;
  /** Living processes; samples share the objects. */
  readonly workers: readonly Worker[];
  /** Of each process in turn. */
  readonly figures: Float32Array;
  readonly charts: ReadonlyMap<string, ChartSample>;
}

export interface Mark {
  readonly time: number;
  readonly kind: 'died' | 'started';
  readonly name: string;
}

export interface RecordedStatus {
  readonly times: readonly number[];
  readonly marks: readonly Mark[];
  /** Files of the processes that lived at the last sample. */
  readonly living: readonly string[];
  readonly workers: readonly (Worker & Readonly<Record<Figure, readonly (number | null)[]>>)[];
  readonly charts: readonly { readonly request: ChartRequest; readonly samples: readonly object[] }[];
}

type Read = (charts: readonly ChartRequest[]) => Promise<DirectoryStatus>;

export class StatusHistory {
  readonly #read: Read;
  /** The charts that a page has shown, or would show first, by their keys; the one that was asked for last is last. */
  readonly #charts = new Map<string, ChartRequest>();
  #samples: Sample[] = [];
  #marks: Mark[] = [];
  #known: ReadonlyMap<string, string> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param read a status for which no `collect()` of the application runs */
  constructor(read: Read) {
    this.#read = read;
  }

  /** Begins to sample. The timer does not keep the process alive. */
  start(): void {
    if (this.#timer === undefined && !this.#isClosed) this.#next(0);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Notes what a page shows: from now on it is part of the history. */
  watch(requests: readonly ChartRequest[]): void {
    for (const request of requests) {
      const key = JSON.stringify(request);
      this.#charts.delete(key);
      this.#charts.set(key, request);
    }
    for (const oldest of this.#charts.keys()) {
      if (this.#charts.size <= MAX_CHARTS) break;
      this.#charts.delete(oldest);
    }
  }

  /** The history in a form that JSON holds. */
  recorded(): RecordedStatus {
    const workers = new Map(this.#samples.flatMap((sample) => sample.workers.map((worker) => [worker.file, worker])));
    const stride = Math.max(1, Math.ceil((workers.size * FIGURES.length * this.#samples.length) / MAX_POINTS));
    const groups: Sample[][] = [];
    for (let end = this.#samples.length; end > 0; end -= stride) {
      groups.unshift(this.#samples.slice(Math.max(0, end - stride), end));
    }
    const places = new Map(
      this.#samples.map((sample) => [sample, new Map(sample.workers.map(({ file }, at) => [file, at]))]),
    );
    const largest = (group: Sample[], file: string, figure: number): number | null => {
      const values = group.flatMap((sample) => {
        const place = places.get(sample)!.get(file);
        return place === undefined ? [] : sample.figures[place * FIGURES.length + figure];
      });
      const measured = values.filter((value) => !Number.isNaN(value));
      return measured.length === 0 ? null : Number(Math.max(...measured).toPrecision(4));
    };
    return {
      times: groups.map((group) => group.at(-1)!.time),
      marks: this.#marks,
      living: this.#samples.at(-1)?.workers.map(({ file }) => file) ?? [],
      workers: [...workers.values()].map((worker) => {
        const figures = FIGURES.map((name, at) => [name, groups.map((group) => largest(group, worker.file, at))]);
        return { ...worker, ...(Object.fromEntries(figures) as Record<Figure, (number | null)[]>) };
      }),
      charts: [...this.#charts].map(([key, request]) => ({ request, samples: this.#chartSamples(key) })),
    };
  }

  /** Names of lines and bounds of buckets are in the first sample that has them; a sample without has those of the one before. */
  #chartSamples(key: string): object[] {
    let known: Partial<ChartSample> = {};
    return this.#samples.flatMap(({ time, charts }) => {
      const chart = charts.get(key);
      if (chart === undefined) return [];
      const { names, values, buckets } = chart;
      const sample = {
        ...{ time, values: [...values], counts: buckets && [...buckets.counts] },
        names: names === known.names ? undefined : names,
        bounds: buckets?.bounds === known.buckets?.bounds ? undefined : buckets?.bounds,
      };
      known = chart;
      return sample;
    });
  }

  #next(ms: number): void {
    this.#timer = setTimeout(() => void this.#sample(), ms);
    this.#timer.unref();
  }

  async #sample(): Promise<void> {
    const startedAt = performance.now();
    try {
      const requests = [...this.#charts.values()];
      this.#add(await this.#read(requests), requests);
    } catch {
      // the page, which asks for the same, tells why; and a directory may be there later
    }
    if (!this.#isClosed) this.#next(Math.max(INTERVAL_MS, (performance.now() - startedAt) * PAUSE_FACTOR));
  }

  #add(status: DirectoryStatus, watched: readonly ChartRequest[]): void {
    const { collectedAtMs, processes } = status;
    const living = processes.filter(({ state }) => state !== 'dead');
    const figures = new Float32Array(living.length * FIGURES.length);
    living.forEach((process, at) => {
      const { vitals = {}, requests } = process;
      const { cpuShare, residentBytes, loopLagSeconds, gcShare } = vitals;
      const { perSecond, failedPerSecond } = requests ?? {};
      const values = [cpuShare, residentBytes, loopLagSeconds, perSecond, failedPerSecond, gcShare];
      figures.set(
        values.map((value) => value ?? NaN),
        at * FIGURES.length,
      );
    });
    const before = this.#samples.at(-1);
    const workers = living.map((process) => ({ file: process.file, name: nameOf(process) }));
    const charts = new Map<string, ChartSample>();
    watched.forEach((request, at) => {
      const chart = status.charts[at];
      if (chart === null || chart === undefined) return;
      const key = JSON.stringify(request);
      charts.set(key, chartSample(chart, before?.charts.get(key)));
    });
    const time = collectedAtMs / 1000;
    this.#mark(status, time);
    this.#samples.push({ time, workers: shared(workers, before?.workers, ({ file }) => file), figures, charts });
    const from = time - SPAN_MS / 1000;
    this.#samples = this.#samples.filter((sample) => sample.time >= from).slice(-MAX_SAMPLES);
    this.#marks = this.#marks.filter((mark) => mark.time >= from).slice(-MAX_MARKS);
    // where nothing is watched yet, the charts that a page opens first
    if (this.#charts.size === 0) this.watch(firstCharts(status));
  }

  #mark({ processes }: DirectoryStatus, time: number): void {
    const now = new Map(processes.map(({ file, state }) => [file, state as string]));
    for (const process of this.#known === undefined ? [] : processes) {
      const { file, state } = process;
      const before = this.#known!.get(file);
      const name = nameOf(process);
      if (state === 'dead' && before !== 'dead') this.#marks.push({ time, kind: 'died', name });
      else if (state !== 'dead' && before === undefined) this.#marks.push({ time, kind: 'started', name });
    }
    this.#known = now;
  }
}

/** @param before the sample before it, whose texts and bounds it shares: those that come from a thread are new in each status */
function chartSample({ lines, buckets }: Chart, before: ChartSample | undefined): ChartSample {
  const names = lines.map(({ name }) => name);
  return {
    names: shared(names, before?.names),
    values: Float64Array.from(lines, ({ value }) => value),
    buckets: buckets && {
      bounds: shared(buckets.bounds, before?.buckets?.bounds),
      counts: Float64Array.from(buckets.counts),
    },
  };
}

/** Returns the earlier array where it is equal, and where only some elements are, a new one of its elements. */
function shared<Element>(
  now: readonly Element[],
  before: readonly Element[] = [],
  keyOf: (element: Element) => unknown = (element) => element,
): readonly Element[] {
  if (now.length === before.length && now.every((each, at) => keyOf(each) === keyOf(before[at]))) return before;
  const known = new Map(before.map((each) => [keyOf(each), each]));
  return now.map((each) => known.get(keyOf(each)) ?? each);
}

function nameOf({ pid, thread }: ProcessInfo): string {
  return thread === 0 ? String(pid) : `${pid}-${thread}`;
}

/** A counter and a histogram, the largest of each. */
function firstCharts({ families }: DirectoryStatus): ChartRequest[] {
  return ['counter', 'histogram'].flatMap((wanted) => {
    const found = families.find(({ type }) => type === wanted);
    return found === undefined ? [] : { metric: found.name };
  });
}
