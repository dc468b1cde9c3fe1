/**
 * The age of the contents of an archive. One reading of the wall clock is not enough: a machine starts in 1970 until it has
 * asked the network, or is 60 days ahead for a minute, and a fold at that moment would drop the counts of ended processes.
 * So an archive stores the clocks of the fold that made it, and its contents age by the time between folds: by the
 * machine's uptime within one boot, and otherwise by the wall clock, but at most by a fraction of their retention.
 */
import { uptime } from 'node:os';
import { currentMachine } from '../directory/identity.js';

export interface ClockReading {
  /** Seconds since the epoch. */
  readonly wall: number;
  /** The boot that the uptime belongs to; '' where the system does not tell. */
  readonly bootId: string;
  /** Seconds since the machine started. */
  readonly uptime: number;
}

/** Where only the wall clock is available, a retention ends after at least this many intervals. */
const SHARES = 8;

export function readClocks(): ClockReading {
  return { wall: Date.now() / 1000, bootId: currentMachine().bootId, uptime: uptime() };
}

/** The longest interval that is accepted from the wall clock alone. */
export function longestInterval(retentionSeconds: number): number {
  return retentionSeconds / SHARES;
}

/** Seconds between two readings, at most `longest` where only the wall clock is available. */
export function secondsBetween(from: ClockReading, to: ClockReading, longest = Infinity): number {
  if (from.bootId !== '' && from.bootId === to.bootId && from.uptime <= to.uptime) return to.uptime - from.uptime;
  return Math.max(0, Math.min(to.wall - from.wall, longest));
}

/** How far the wall clock has moved beyond the time that has passed: add it to times of the earlier reading. */
export function clockShift(from: ClockReading, to: ClockReading, longest = Infinity): number {
  return to.wall - from.wall - secondsBetween(from, to, longest);
}

/** Validates a reading that anybody may have written. */
export function clockReadingOf(value: unknown): ClockReading | undefined {
  if (!Array.isArray(value)) return undefined;
  const [wall, bootId, up] = value as unknown[];
  if (!Number.isFinite(wall) || typeof bootId !== 'string' || !Number.isFinite(up)) return undefined;
  return { wall: wall as number, bootId, uptime: up as number };
}
