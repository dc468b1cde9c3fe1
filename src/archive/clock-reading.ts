/**
 * How old the contents of an archive are. One reading of the wall clock cannot tell: a machine starts in 1970 until it has
 * asked the network, or is 60 days ahead for a minute, and a fold at that moment would drop what ended processes have counted.
 * So an archive has the clocks of the fold that made it, and things in it grow older by what has passed between folds: by
 * the machine's uptime within one boot, and else by the wall clock, but by no more than a share of their retention.
 */
import { uptime } from 'node:os';
import { currentMachine } from '../directory/identity.js';

/** What the clocks showed at one moment. */
export interface ClockReading {
  /** Seconds since the epoch. */
  readonly wall: number;
  /** Of which the uptime is told; '' where the system does not tell. */
  readonly bootId: string;
  /** Seconds since the machine was started. */
  readonly uptime: number;
}

/** Where only the wall clock tells, it takes so many long intervals until a retention is over. */
const SHARES = 8;

export function readClocks(): ClockReading {
  return { wall: Date.now() / 1000, bootId: currentMachine().bootId, uptime: uptime() };
}

/** The longest interval that the wall clock is believed by itself. */
export function longestInterval(retentionSeconds: number): number {
  return retentionSeconds / SHARES;
}

/** Seconds that have passed between two readings, at most `longest` where only the wall clock tells. */
export function secondsBetween(from: ClockReading, to: ClockReading, longest = Infinity): number {
  if (from.bootId !== '' && from.bootId === to.bootId && from.uptime <= to.uptime) return to.uptime - from.uptime;
  return Math.max(0, Math.min(to.wall - from.wall, longest));
}

/** How far the wall clock has gone beyond what has passed: add it to times of the earlier reading. */
export function clockShift(from: ClockReading, to: ClockReading, longest = Infinity): number {
  return to.wall - from.wall - secondsBetween(from, to, longest);
}

/** A reading out of bytes that anybody may have written. */
export function clockReadingOf(value: unknown): ClockReading | undefined {
  if (!Array.isArray(value)) return undefined;
  const [wall, bootId, up] = value as unknown[];
  if (!Number.isFinite(wall) || typeof bootId !== 'string' || !Number.isFinite(up)) return undefined;
  return { wall: wall as number, bootId, uptime: up as number };
}
