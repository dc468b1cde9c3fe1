import type { Counter } from '../instruments/counter.js';
import type { DefaultMetricMaker } from './default-metric-maker.js';

const MICROSECONDS = 1e6;

/**
 * prom-client's counters of CPU time. prom-client's own start at 0 when they are made, so threads of one process that make
 * them at different times count different parts of the same time. These counters hold the total since the process started,
 * so that the highest value among the files of one process is the right one.
 */
export function processCpu(maker: DefaultMetricMaker): void {
  const { labels } = maker;
  const counted: { readonly counter: Counter; seconds: number }[] = [];
  const collect = (): void => {
    const { user, system } = process.cpuUsage();
    [user, system, user + system].forEach((microseconds, at) => {
      const seconds = microseconds / MICROSECONDS;
      const { counter, seconds: before } = counted[at];
      if (seconds > before && counter.labels(labels).addTotal(seconds - before)) counted[at].seconds = seconds;
    });
  };
  const make = (name: string, help: string, first?: () => void): void => {
    counted.push({ counter: maker.counter(name, help, first), seconds: 0 });
  };
  make('process_cpu_user_seconds_total', 'Total user CPU time spent in seconds.', collect);
  make('process_cpu_system_seconds_total', 'Total system CPU time spent in seconds.');
  make('process_cpu_seconds_total', 'Total user and system CPU time spent in seconds.');
}
