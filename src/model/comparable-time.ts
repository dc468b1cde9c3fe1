/** The clocks of machines that share a directory are assumed to differ by less than this. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/**
 * Converts a time from a file so that times can be compared to find the latest. A time in the future comes from a clock that
 * was wrong, and would be the latest until that moment passes; so it sorts before all past times. Future times keep their
 * order among each other, since the wrong clock may be the reader's.
 * @param seconds since the epoch
 * @param now the reader's clock, in seconds since the epoch
 */
export function comparableTime(seconds: number, now: number): number {
  if (seconds <= now + CLOCK_TOLERANCE_SECONDS) return seconds;
  // NaN sorts before everything
  return seconds > now ? -1 / seconds : -Infinity;
}
