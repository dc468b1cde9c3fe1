/** Returns the largest number instead of an infinite sum of finite values, which could never be corrected. */
export function capped(sum: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));
}

/** The largest sum of the bins of a native histogram: below it every sum of counts is exact, in any order. */
export const MAX_COUNT: number = Number.MAX_SAFE_INTEGER;
