import type { NativeHistogram } from '../model/native-histogram.js';

/** The count has to be that of the buckets: a receiver refuses another one. */
export function nativeCount({ zeroCount, positive, negative }: NativeHistogram): number {
  return [...positive, ...negative].reduce((sum, [, count]) => sum + count, zeroCount);
}
