/** The vitals of the workers over the last 15 minutes: charts, and the values for sparklines. */
import { ChartPanel } from './chart-panel.mjs';
import { HISTORY_SECONDS, Rates } from './history.mjs';

/** A metric's name decides about the unit of its values. */
const FIGURES = [
  { key: 'cpu', metric: 'worker_cpu', title: 'CPU', help: 'Seconds per second; 1 is a whole core' },
  { key: 'memory', metric: 'worker_memory_bytes', title: 'Memory', help: 'Resident memory of each process' },
  {
    key: 'lag',
    metric: 'worker_lag_seconds',
    title: 'Event loop lag',
    help: 'Longest time without a turn of the event loop',
  },
  {
    key: 'requests',
    metric: 'worker_requests',
    title: 'Requests per second',
    help: 'By the metric of the HTTP server',
  },
];
const MAX_LINES = 40;
/** Processes measure themselves about every 5 seconds. */
const STEP_SECONDS = 4;

export class WorkerCharts {
  #panels;
  #requests = new Rates();
  #failures = new Rates();
  #past = new Map();
  #lastAt = 0;
  /** @type {Map<string, { requests: number | null, failed: number | null }>} by file */
  rates = new Map();

  constructor(root) {
    this.#panels = FIGURES.map(({ metric, title }) => new ChartPanel(metric, 'process', { title }));
    root.append(...this.#panels.map((panel) => panel.root));
  }

  /** @param recorded what the server has kept */
  fill({ times, workers, marks }) {
    for (const { file, cpu, memory } of workers) {
      this.#past.set(file, { cpu: known(cpu), memory: known(memory) });
    }
    FIGURES.forEach((figure, at) => {
      this.#panels[at].setMarks(marks);
      const peak = (worker) => Math.max(...worker[figure.key].map((value) => value ?? 0));
      // in one order for all charts, so that a process has the same colour in each
      const chosen =
        workers.length <= MAX_LINES ? workers : workers.toSorted((a, b) => peak(b) - peak(a)).slice(0, MAX_LINES);
      const samples = times.map((time, sample) => ({
        time,
        lines: chosen.flatMap((worker) => {
          const value = worker[figure.key][sample];
          return value === null ? [] : { name: worker.name, value };
        }),
      }));
      this.#panels[at].setPast(samples);
    });
  }

  add(time, processes) {
    const counted = processes.filter(({ requests }) => requests !== undefined);
    const requests = this.#requests.of(
      time,
      counted.map((each) => ({ name: each.file, value: each.requests.requests })),
    );
    const failed = this.#failures.of(
      time,
      counted.map((each) => ({ name: each.file, value: each.requests.failed })),
    );
    this.rates = new Map(
      [...requests].map(([file, rate]) => [file, { requests: rate, failed: failed.get(file) ?? null }]),
    );
    const living = processes.filter(({ state }) => state !== 'dead');
    const valueOf = {
      cpu: ({ vitals }) => vitals?.cpuShare,
      memory: ({ vitals }) => vitals?.residentBytes,
      lag: ({ vitals }) => vitals?.loopLagSeconds,
      requests: ({ file }) => requests.get(file),
    };
    FIGURES.forEach(({ key, metric, help }, at) => {
      const all = living.flatMap((process) => {
        const value = valueOf[key](process);
        return value === undefined || value === null ? [] : { name: nameOf(process), value };
      });
      const lines = all.length <= MAX_LINES ? all : all.toSorted((a, b) => b.value - a.value).slice(0, MAX_LINES);
      const omitted = all.length - lines.length;
      this.#panels[at].add(time, { metric, help, type: 'gauge', by: 'process', choices: ['process'], lines, omitted });
      this.#panels[at].root.hidden = key === 'requests' && counted.length === 0;
    });
    if (time - this.#lastAt < STEP_SECONDS) return;
    this.#lastAt = time;
    for (const { file, vitals } of living) {
      const past = this.#past.get(file) ?? { cpu: [], memory: [] };
      this.#past.set(file, past);
      if (vitals?.cpuShare !== undefined) past.cpu.push(vitals.cpuShare);
      if (vitals?.residentBytes !== undefined) past.memory.push(vitals.residentBytes);
      for (const values of Object.values(past)) while (values.length > HISTORY_SECONDS / 5) values.shift();
    }
  }

  mark(mark) {
    for (const panel of this.#panels) panel.addMark(mark);
  }

  pastOf(file, key) {
    return this.#past.get(file)?.[key] ?? [];
  }
}

function known(values) {
  return values.filter((value) => value !== null);
}

function nameOf({ pid, thread }) {
  return thread === 0 ? String(pid) : `${pid}-${thread}`;
}
