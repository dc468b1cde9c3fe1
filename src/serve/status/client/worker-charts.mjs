/** The vitals of the workers over the last 15 minutes: charts, and the values for sparklines. */
import { ChartPanel } from './chart-panel.mjs';
import { HISTORY_SECONDS } from './history.mjs';
import { listMarks, processName } from './marks.mjs';

/**
 * A metric's name decides about the unit of its values. `least`: in this unit, sparklines have a scale of at least this, so that an
 * idle process has a flat line.
 */
const FIGURES = [
  {
    key: 'cpu',
    metric: 'worker_cpu_percent',
    title: 'CPU',
    help: '100 % is a whole core',
    least: 10,
    valueOf: ({ vitals }) => vitals?.cpuShare,
  },
  {
    key: 'memory',
    metric: 'worker_memory_bytes',
    title: 'Memory',
    help: 'Resident memory of each process',
    least: 1,
    valueOf: ({ vitals }) => vitals?.residentBytes,
  },
  {
    key: 'lag',
    metric: 'worker_lag_seconds',
    title: 'Event loop lag',
    help: 'Longest time without a turn of the event loop',
    least: 0.1,
    valueOf: ({ vitals }) => vitals?.loopLagSeconds,
  },
  {
    key: 'requests',
    metric: 'worker_requests',
    title: 'Requests per second',
    help: 'By the metric of the HTTP server',
    least: 1,
    valueOf: ({ requests }) => requests?.perSecond,
  },
  {
    key: 'failed',
    metric: 'worker_failed',
    title: 'Failed requests per second',
    help: 'With a status of 5xx',
    least: 1,
    valueOf: ({ requests }) => requests?.failedPerSecond,
  },
  {
    key: 'gc',
    metric: 'worker_gc_percent',
    title: 'Garbage collection',
    help: 'Part of the time',
    least: 10,
    valueOf: ({ vitals }) => vitals?.gcShare,
  },
];
/** Charts with this ending show hundredths. */
const SCALE = (metric) => (metric.endsWith('_percent') ? 100 : 1);
/** Processes measure themselves about every 5 seconds: sparklines are not drawn more often. */
const STEP_SECONDS = 4;
/** As many values as a sparkline has pixels. */
const MAX_SPARK = 60;

export class WorkerCharts {
  #root;
  #list;
  /** By the key of their figure. A line has the file of its process as its name. */
  #panels;
  #marks = [];
  /** By figure: the largest value of all processes, which all sparklines of a column share. */
  #scales = new Map();
  #steppedAt = 0;
  /** The names of the processes by file. Their order decides about the colours in all charts. */
  #names = new Map();
  /** Changes with the sparklines. */
  version = 0;

  /** @param list the element for the latest marks */
  constructor(root, list) {
    this.#root = root;
    this.#list = list;
    const colourOf = (file) => [...this.#names.keys()].indexOf(file);
    const labelsOf = (files) => files.map((file) => this.#names.get(file));
    this.#panels = new Map(
      FIGURES.map(({ key, metric, title }) => [key, new ChartPanel(metric, 'process', { title, colourOf, labelsOf })]),
    );
    root.append(...[...this.#panels.values()].map((panel) => panel.root));
  }

  /** @param recorded what the server has kept */
  fill({ times, workers, marks }) {
    for (const { file, name } of workers) this.#names.set(file, name);
    this.mark(marks);
    for (const { key, metric } of FIGURES) {
      this.#panels.get(key).past = times.map((time, sample) => ({
        time,
        lines: workers.flatMap((worker) => lineOf(worker.file, worker[key][sample], metric)),
      }));
    }
  }

  add(time, processes) {
    const living = processes.filter(({ state }) => state !== 'dead');
    for (const process of living) this.#names.set(process.file, processName(process));
    for (const { key, metric, help, valueOf } of FIGURES) {
      const panel = this.#panels.get(key);
      const lines = living.flatMap((process) => lineOf(process.file, valueOf(process), metric));
      panel.add(time, { metric, help, type: 'gauge', by: 'process', choices: ['process'], lines, omitted: 0 });
      // where no known metric counts requests there is nothing to show
      panel.root.hidden = (key === 'requests' || key === 'failed') && panel.lines.names.length === 0;
    }
    const shown = [...this.#panels.values()].filter(({ root }) => !root.hidden);
    this.#root.classList.toggle('four', shown.length === 4);
    if (time - this.#steppedAt < STEP_SECONDS) return;
    this.#steppedAt = time;
    this.version++;
    for (const { key, least } of FIGURES) this.#scales.set(key, Math.max(least, this.#panels.get(key).lines.peak));
  }

  /** @param marks deaths and starts, the oldest first */
  mark(marks) {
    if (marks.length === 0) return;
    this.#marks.push(...marks);
    const from = this.#marks.at(-1).time - HISTORY_SECONDS;
    this.#marks = this.#marks.filter(({ time }) => time >= from);
    for (const panel of this.#panels.values()) panel.marks = this.#marks;
    listMarks(this.#list, this.#marks);
  }

  /** Whether no process was seen so far. */
  get isEmpty() {
    return this.#names.size === 0;
  }

  /** The latest values of a process for a sparkline, and the top of its scale. */
  sparkOf(file, key) {
    const values = this.#panels.get(key).lines.valuesOf(file) ?? [];
    return { values: thinned(values.filter((value) => value !== null)), most: this.#scales.get(key) };
  }
}

/** A line with its value, or none where the process has no value. */
function lineOf(file, value, metric) {
  return value === undefined || value === null ? [] : { name: file, value: value * SCALE(metric) };
}

/** The largest of each group of values, where there are more than a sparkline can show. */
function thinned(values) {
  const group = Math.ceil(values.length / MAX_SPARK);
  if (group <= 1) return values;
  return Array.from({ length: Math.ceil(values.length / group) }, (_, at) =>
    Math.max(...values.slice(at * group, (at + 1) * group)),
  );
}
