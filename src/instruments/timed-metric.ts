import type { Child } from './child.js';
import { LabelledMetric } from './labelled-metric.js';
import type { AnyFunction, FunctionDecorator } from './observed-function.js';

interface TimedChild extends Child {
  time(fn?: AnyFunction): unknown;
}

/** A metric that takes durations. */
export abstract class TimedMetric<T extends string, C extends TimedChild> extends LabelledMetric<T, C> {
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
