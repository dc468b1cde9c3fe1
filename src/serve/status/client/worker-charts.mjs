/** The vitals of the workers over the last 15 minutes: charts, and the values for sparklines. */
import { ChartPanel } from './chart-panel.mjs';
import { HISTORY_SECONDS } from './history.mjs';
import { listMarks, processName } from './marks.mjs';

/**
 * A metric's name decides about the unit of its values. `least`: sparklines have a scale of at least this, so that an idle process
 * has a flat line.
 */
const FIGURES = [
  {
    key: 'cpu',
    metric: 'worker_cpu_percent',
    title: 'CPU',
    help: '100 % is a whole core',
    least: 0.1,
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
    least: 0.1,
    valueOf: ({ vitals }) => vitals?.gcShare,
  },
];
/** Charts with this ending show hundredths. */
const SCALE = (metric) => (metric.endsWith('_percent') ? 100 : 1);
/** Processes measure themselves about every 5 seconds. */
const STEP_SECONDS = 4;
/** As many values as a sparkline has pixels. */
const MAX_SPARK = 60;

export class WorkerCharts {
  #root;
  #list;
  #panels;
  #marks = [];
  /** By file, and then by figure: the values of sparklines, the oldest first. */
  #past = new Map();
  /** By figure: the largest value of all processes, which all sparklines of a column share. */
  #scales = new Map();
  #lastAt = 0;
  /** The number of each process by its name: it decides about the colour in all charts. */
  #order = new Map();
  /** Changes with the sparklines. */
  version = 0;

  /** @param list the element for the latest marks */
  constructor(root, list) {
    this.#root = root;
    this.#list = list;
    const colourOf = (name) => this.#order.get(name) ?? 0;
    this.#panels = FIGURES.map(({ metric, title }) => new ChartPanel(metric, 'process', { title, colourOf }));
    root.append(...this.#panels.map((panel) => panel.root));
  }

  /** @param recorded what the server has kept */
  fill({ times, workers, marks }) {
    for (const worker of workers) {
      this.#number(worker.name);
      const past = FIGURES.map(({ key }) => [key, worker[key].filter((value) => value !== null)]);
      this.#past.set(worker.file, Object.fromEntries(past));
    }
    this.#scale();
    this.#lastAt = times.at(-1) ?? 0;
    this.mark(marks);
    FIGURES.forEach(({ key, metric }, at) => {
      const samples = times.map((time, sample) => ({
        time,
        lines: workers.flatMap((worker) => {
          const value = worker[key][sample];
          return value === null ? [] : { name: worker.name, value: value * SCALE(metric) };
        }),
      }));
      this.#panels[at].setPast(samples);
    });
  }

  add(time, processes) {
    const living = processes.filter(({ state }) => state !== 'dead');
    for (const process of living) this.#number(processName(process));
    FIGURES.forEach((figure, at) => this.#addTo(this.#panels[at], figure, time, living));
    this.#root.classList.toggle('four', this.#panels.filter(({ root }) => !root.hidden).length === 4);
    if (time - this.#lastAt < STEP_SECONDS) return;
    this.#lastAt = time;
    this.#addToPast(processes, living);
  }

  #number(name) {
    if (!this.#order.has(name)) this.#order.set(name, this.#order.size);
  }

  #addTo(panel, { key, metric, help, valueOf }, time, living) {
    const lines = living.flatMap((process) => {
      const value = valueOf(process);
      return value === undefined ? [] : { name: processName(process), value: value * SCALE(metric) };
    });
    panel.add(time, { metric, help, type: 'gauge', by: 'process', choices: ['process'], lines, omitted: 0 });
    // where no known metric counts requests there is nothing to show
    panel.root.hidden = (key === 'requests' || key === 'failed') && panel.isEmpty;
  }

  #addToPast(processes, living) {
    this.version++;
    const files = new Set(processes.map(({ file }) => file));
    for (const file of this.#past.keys()) if (!files.has(file)) this.#past.delete(file);
    for (const process of living) {
      const past = this.#past.get(process.file) ?? Object.fromEntries(FIGURES.map(({ key }) => [key, []]));
      this.#past.set(process.file, past);
      for (const { key, valueOf } of FIGURES) {
        const value = valueOf(process);
        if (value !== undefined) past[key].push(value);
        while (past[key].length > HISTORY_SECONDS / 5) past[key].shift();
      }
    }
    this.#scale();
  }

  #scale() {
    for (const { key, least } of FIGURES) {
      let most = least;
      for (const past of this.#past.values()) for (const value of past[key]) most = Math.max(most, value);
      this.#scales.set(key, most);
    }
  }

  /** @param marks deaths and starts, the oldest first */
  mark(marks) {
    if (marks.length === 0) return;
    this.#marks.push(...marks);
    const from = this.#marks.at(-1).time - HISTORY_SECONDS;
    this.#marks = this.#marks.filter(({ time }) => time >= from);
    for (const panel of this.#panels) panel.setMarks(this.#marks);
    listMarks(this.#list, this.#marks);
  }

  /** Whether no process was seen so far. */
  get isEmpty() {
    return this.#order.size === 0;
  }

  /** The latest values of a process for a sparkline, and the top of its scale. */
  sparkOf(file, key) {
    const values = this.#past.get(file)?.[key] ?? [];
    return { values: thinned(values), most: this.#scales.get(key) ?? 1 };
  }
}

/** The largest of each group of values, where there are more than a sparkline can show. */
function thinned(values) {
  const group = Math.ceil(values.length / MAX_SPARK);
  if (group <= 1) return values;
  return Array.from({ length: Math.ceil(values.length / group) }, (_, at) =>
    Math.max(...values.slice(at * group, (at + 1) * group)),
  );
}
