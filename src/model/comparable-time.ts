/** Clocks of machines that share a directory differ by less. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/**
 * A time that a file gives, for finding the latest. One that is still to come is of a clock that was wrong, and would be the
 * latest for as long as that clock was ahead: it counts as earlier than all times that are past. Such times keep their
 * order among themselves, for the wrong clock may be the reader's.
 *
 * @param seconds since the epoch
 * @param now of the reader, in seconds since the epoch
 */
export function comparableTime(seconds: number, now: number): number {
  if (seconds <= now + CLOCK_TOLERANCE_SECONDS) return seconds;
  // no number: earlier than everything
  return seconds > now ? -1 / seconds : -Infinity;
}
