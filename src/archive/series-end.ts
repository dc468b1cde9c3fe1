/**
 * When the process ended whose values an archived series has; of several processes, the last one. Rounded up to the hour:
 * gauges that ended in one hour are one series. Others have one series of all ends, and move with the clock by the second: an
 * eighth of a short time is less than an hour.
 */
import { longestInterval } from './clock-reading.js';

export const HOUR_SECONDS = 3600;
/** The end of a series that does not expire: a process without `expireAfterSeconds` has counted in it. */
export const NO_END = 0;

export function endOfHour(time: number): number {
  return Math.ceil(time / HOUR_SECONDS) * HOUR_SECONDS;
}

/** @param lastAlive of the process: its clock, or this one, may be years off, so that it alone makes no series old */
export function endOfSeries(expireAfterSeconds: number | undefined, lastAlive: number, now: number): number {
  if (expireAfterSeconds === undefined) return NO_END;
  return endOfHour(Math.max(lastAlive, now - longestInterval(expireAfterSeconds))) || HOUR_SECONDS;
}

/** The end of an archived series by the clock of this fold. */
export function shiftedEnd(endedAt: number, shift: number, now: number): number {
  return endedAt === NO_END ? NO_END : Math.min(endedAt + shift, endOfHour(now)) || HOUR_SECONDS;
}

export function laterEnd(one: number, other: number): number {
  return one === NO_END || other === NO_END ? NO_END : Math.max(one, other);
}
