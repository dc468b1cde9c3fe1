import type { LabelValues } from '../registry/metric-object.js';
import { Child } from './child.js';
import { LabelledMetric } from './labelled-metric.js';
import { type AnyFunction, type FunctionDecorator, observed } from './observed-function.js';

/** The further arguments of timers: labels of an exemplar, where the metric takes exemplars. */
type ExemplarArguments = (LabelValues<string> | undefined)[];

/** A series that takes durations. */
export abstract class TimedChild<Exemplar extends ExemplarArguments = []> extends Child {
  /** For timers: sets a gauge to a duration, or observes it. */
  abstract takeSeconds(seconds: number, exemplarLabels: LabelValues<string>): void;

  /**
   * @param exemplar labels of an exemplar, with `enableExemplars`
   * @returns a function that sets a gauge to the seconds since the start of the timer, or observes them, and returns them
   */
  startTimer(...exemplar: Exemplar): (labels?: LabelValues<string>, ...exemplar: Exemplar) => number {
    return stopwatch((seconds, labels?: LabelValues<string>, ...atEnd: Exemplar) => {
      this.with(labels).takeSeconds(seconds, { ...exemplar[0], ...atEnd[0] });
    });
  }

  /** Wraps a function, or decorates a method as `@child.time()`: sets a gauge to the seconds of each call, or observes them. */
  time<F extends AnyFunction>(fn: F): F;
  time(): FunctionDecorator;
  time(fn?: AnyFunction): unknown {
    return observed(() => {
      const stop = (this as TimedChild).startTimer();
      return () => void stop();
    }, fn);
  }
}

/** A metric that takes durations. */
export abstract class TimedMetric<
  T extends string,
  C extends TimedChild<any>,
  Exemplar extends ExemplarArguments = [],
> extends LabelledMetric<T, C> {
  /**
   * @param exemplar labels of an exemplar, with `enableExemplars`
   * @returns a function that sets a gauge to the seconds since the start of the timer, or observes them, and returns them
   */
  startTimer(
    labels?: LabelValues<T>,
    ...exemplar: Exemplar
  ): (labels?: LabelValues<T>, ...exemplar: Exemplar) => number {
    return stopwatch((seconds, endLabels?: LabelValues<T>, ...atEnd: Exemplar) => {
      const child = this.series.ofObject({ ...labels, ...endLabels });
      child.takeSeconds(seconds, { ...exemplar[0], ...atEnd[0] });
    });
  }

  /**
   * Wraps a function, or decorates a method as `@metric.time()`: a gauge is set to the seconds of each call, a histogram or
   * summary observes them. For a series with labels: `metric.labels(…).time`.
   */
  time<F extends AnyFunction>(fn: F): F;
  time(): FunctionDecorator;
  time(fn?: AnyFunction): unknown {
    return fn === undefined ? this.unlabelled.time() : this.unlabelled.time(fn);
  }
}

/** Measures from now on, by `process.hrtime` as prom-client does: libraries for fake timers can replace that. */
function stopwatch<End extends unknown[]>(report: (seconds: number, ...end: End) => void): (...end: End) => number {
  const start = process.hrtime();
  return (...end) => {
    const [seconds, nanoseconds] = process.hrtime(start);
    const duration = seconds + nanoseconds / 1e9;
    report(duration, ...end);
    return duration;
  };
}
