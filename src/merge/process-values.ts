import type { MergedCells, MergedFamily } from './merged-family.js';

/** The merged series that the values are added to. */
interface Sums extends Pick<MergedCells, 'cells' | 'cellOf'> {
  familyOf(series: number): MergedFamily;
}

interface ProcessValue {
  readonly value: number;
  readonly setAt: number;
}

/** The values of process-wide series in one merge. Each process counts once, for any number of threads that have it. */
export class ProcessValues {
  /** By series, then by process. */
  readonly #values = new Map<number, Map<string, ProcessValue>>();

  clear(): void {
    this.#values.clear();
  }

  /** Adds the value in one file of a process. Gauges have a set-at. */
  note(series: number, process: string, value: number, setAt: number, isGauge: boolean): void {
    let processes = this.#values.get(series);
    if (processes === undefined) this.#values.set(series, (processes = new Map<string, ProcessValue>()));
    const known = processes.get(process);
    if (known === undefined || (isGauge ? setAt >= known.setAt : value > known.value)) {
      processes.set(process, { value, setAt });
    }
  }

  addTo(sums: Sums): void {
    const { cells, cellOf } = sums;
    for (const [series, processes] of this.#values) {
      const { isGauge, mode } = sums.familyOf(series);
      const cell = cellOf[series];
      for (const { value, setAt } of processes.values()) {
        if (isGauge) mode.reduce(cells, cell, value, setAt);
        else cells[cell] += value;
      }
    }
  }
}
