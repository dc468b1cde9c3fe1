/**
 * Whether the writers of files hold their locks. Only a main thread asks the kernel: a thread that is terminated inside a
 * native call aborts its process. Our own threads get what the main thread has found out before each of their tasks.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { openForReading } from '../metrics-file/header.js';
import { native } from '../metrics-file/mapping.js';
import { scanDirectory } from './scan.js';

/** By the ids of files: whether the lock is held. */
export type LockSurvey = ReadonlyMap<string, boolean>;

let survey: LockSurvey | undefined;

/** Undefined where this thread cannot tell. */
export function isLocked(fd: number, id: string): boolean | undefined {
  return holdsLock(fd) ?? survey?.get(id);
}

/** Whether `isLocked` can tell. */
export function knowsLock(id: string): boolean {
  return native() !== undefined || survey?.has(id) === true;
}

/** In a thread of ours: what `isLocked` returns from here on. */
export function useSurvey(found: LockSurvey | undefined): void {
  survey = found;
}

/** Asks for all data files of a directory, and pauses between them. Undefined where there are no locks. */
export function* surveyLocks(dir: string): Generator<void, LockSurvey | undefined> {
  if (native() === undefined) return undefined;
  const found = new Map<string, boolean>();
  for (const { name, id } of scanDirectory(dir).dataFiles) {
    yield;
    try {
      const fd = openForReading(join(dir, name));
      try {
        found.set(id, holdsLock(fd) === true);
      } finally {
        closeSync(fd);
      }
    } catch {
      // gone, or not to be read: whoever reads it finds out
    }
  }
  return found;
}

/** Asks for a shared lock, so that readers do not take each other for the writer, and gives it back at once. */
function holdsLock(fd: number): boolean | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  if (!locks.lockShared(fd)) return true;
  locks.unlock(fd);
  return false;
}
