/** Returns the largest number instead of an infinite sum of finite values, which could never be corrected. */
export function capped(sum: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));
}
