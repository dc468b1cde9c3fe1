/**
 * The record of a push: the contents of `push-<id>.lock`. The leader writes it before each sending, in one write, so that a
 * process that takes over knows the last timestamp, and every collector can show its figures.
 */
import { constants, fstatSync, readSync, writeSync } from 'node:fs';
import { openFile, whileOpen } from '../metrics-file/open-file.js';
import type { Trust } from './trust.js';

/** The figures of all leaders of the push together. */
export interface PushFigures {
  /** Samples that the receiver accepted. */
  readonly sent: number;
  /** Samples that are lost, because the receiver refused them, attempts failed too often, or the queue was full. */
  readonly refused: number;
  readonly failed: number;
  readonly overflowed: number;
  readonly retries: number;
  readonly queueBytes: number;
  /** Seconds since the epoch; 0 before the first. */
  readonly lastSuccessAt: number;
}

export const NO_FIGURES: PushFigures = {
  ...{ sent: 0, refused: 0, failed: 0, overflowed: 0, retries: 0, queueBytes: 0, lastSuccessAt: 0 },
};

export interface PushRecord {
  /** Kind of the target: `remote_write`, `otlp`. */
  readonly target: string;
  /** Random digits of the leader, and the machine on which its pid has a meaning. */
  readonly leader: string;
  readonly machine: string;
  readonly pid: number;
  /** Whether the leader holds the kernel's lock. */
  readonly isLocked: boolean;
  /** Whether the leader has ended in order. */
  readonly hasEnded: boolean;
  readonly intervalMs: number;
  /** The last timestamp sent, and the time of this record; milliseconds since the epoch. */
  readonly sentAt: number;
  readonly beatAt: number;
  readonly figures: PushFigures;
}

/** Bytes of a record, so that a shorter one overwrites all of a longer one. A page is written at once. */
const RECORD_BYTES = 1024;

export function writePushRecord(fd: number, record: PushRecord): void {
  writeSync(fd, `${JSON.stringify(record).padEnd(RECORD_BYTES - 1)}\n`, 0);
}

/** Undefined where there is none yet, or where the bytes are not a record. */
export function readPushRecord(fd: number): PushRecord | undefined {
  const bytes = Buffer.alloc(RECORD_BYTES);
  try {
    return checked(JSON.parse(bytes.toString('utf8', 0, readSync(fd, bytes, 0, RECORD_BYTES, 0))));
  } catch {
    return undefined;
  }
}

/** The record in a file; undefined where there is none, or where its owner is not trusted. */
export function pushRecordIn(path: string, trust: Trust): PushRecord | undefined {
  try {
    return whileOpen(openFile(path, constants.O_RDONLY), (fd) =>
      trust(fstatSync(fd).uid) ? readPushRecord(fd) : undefined,
    );
  } catch {
    return undefined;
  }
}

/** A push whose leader was killed counts as stalled for this time, and then as given up. */
const GIVEN_UP_MS = 24 * 3600 * 1000;
/** Number of intervals without a record after which a leader is stalled. */
export const STALLED_INTERVALS = 3;

/** Whether no process pushes although the push was not ended. @param now milliseconds since the epoch */
export function isStalled({ hasEnded, beatAt, intervalMs }: PushRecord, now: number): boolean {
  const silence = now - beatAt;
  return !hasEnded && silence > STALLED_INTERVALS * intervalMs && silence < GIVEN_UP_MS;
}

function checked(value: unknown): PushRecord | undefined {
  const record = value as PushRecord;
  const { target, leader, machine, pid, isLocked, hasEnded, intervalMs, sentAt, beatAt, figures } = record;
  const numbers = [
    pid,
    intervalMs,
    sentAt,
    beatAt,
    ...Object.keys(NO_FIGURES).map((name) => Number((figures as never)[name])),
  ];
  const isSound =
    /^[a-z][a-z0-9_]{0,31}$/.test(target) &&
    [leader, machine].every((text) => typeof text === 'string') &&
    [isLocked, hasEnded].every((flag) => typeof flag === 'boolean') &&
    numbers.every((number) => Number.isFinite(number) && number >= 0);
  return isSound ? record : undefined;
}
