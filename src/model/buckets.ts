/** Upper bounds of histogram buckets. The generators and their error texts are those of prom-client 15.1.3. */
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';

/** The defaults of prom-client: durations of web requests, in seconds. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `count` bounds, `width` apart. */
export function linearBuckets(start: number, width: number, count: number): number[] {
  if (count < 1) throw new Error('Linear buckets needs a positive count');
  return Array.from({ length: count }, (_, at) => start + at * width);
}

/** `count` bounds, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  if (start <= 0) throw new Error('Exponential buckets needs a positive start');
  if (count < 1) throw new Error('Exponential buckets needs a positive count');
  if (factor <= 1) throw new Error('Exponential buckets needs a factor greater than 1');
  const bounds = [start];
  // multiplied step by step as in prom-client: start * factor ** at differs in the last digit, which would give another `le`
  while (bounds.length < count) bounds.push(bounds[bounds.length - 1] * factor);
  return bounds;
}

/**
 * Returns a user's buckets in the form that is stored: finite, ascending, without duplicates. The bucket +Inf always exists
 * and is left out.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where a bound is not a number, NaN or -Infinity
 */
export function normalizeBounds(buckets: readonly number[]): number[] {
  if (!Array.isArray(buckets) && !ArrayBuffer.isView(buckets)) {
    throw invalidArgument(`buckets are an array of numbers, not ${inspect(buckets)}`);
  }
  const bounds = new Set<number>();
  for (const bound of buckets) {
    if (typeof bound !== 'number' || Number.isNaN(bound) || bound === -Infinity) {
      throw invalidArgument(
        `the bucket ${inspect(bound)} is no upper bound: give finite numbers (a bucket +Inf is always there)`,
      );
    }
    if (bound !== Infinity) bounds.add(bound);
  }
  return [...bounds].toSorted((a, b) => a - b);
}

/** Merges two ascending arrays without duplicates into one. */
export function unionOfBounds(a: readonly number[], b: readonly number[]): number[] {
  const union: number[] = [];
  let [atA, atB] = [0, 0];
  while (atA < a.length || atB < b.length) {
    const next = atB === b.length || a[atA] <= b[atB] ? a[atA] : b[atB];
    if (a[atA] === next) atA++;
    if (b[atB] === next) atB++;
    union.push(next);
  }
  return union;
}
