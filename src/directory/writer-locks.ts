/**
 * Tests whether the writers of files hold their locks. Only a main thread asks the kernel: a thread that is terminated
 * inside a native call aborts its process. Our own threads receive the results of the main thread before each of their
 * tasks.
 */
import { join } from 'node:path';
import { openForReading } from '../metrics-file/header.js';
import { native } from '../metrics-file/mapping.js';
import { whileOpen } from '../metrics-file/open-file.js';
import { scanInSteps } from './scan.js';

/** By the id of the file: whether the lock is held. */
export type LockSurvey = ReadonlyMap<string, boolean>;

let survey: LockSurvey | undefined;

/** Undefined where this thread does not know. */
export function isLocked(fd: number, id: string): boolean | undefined {
  return holdsLock(fd) ?? survey?.get(id);
}

export function knowsLock(id: string): boolean {
  return native() !== undefined || survey?.has(id) === true;
}

/** Called in a thread of ours: sets the results of `isLocked`. */
export function useSurvey(found: LockSurvey | undefined): void {
  survey = found;
}

/** Tests all data files of a directory, and pauses between them. Undefined where there are no locks. */
export function* surveyLocks(dir: string): Generator<void, LockSurvey | undefined> {
  if (native() === undefined) return undefined;
  const found = new Map<string, boolean>();
  const { dataFiles } = yield* scanInSteps(dir);
  for (const { name, id } of dataFiles) {
    yield;
    try {
      found.set(id, whileOpen(openForReading(join(dir, name)), holdsLock) === true);
    } catch {
      // removed, or not readable: the reader of the file finds out
    }
  }
  return found;
}

/** Takes a shared lock, so that readers do not take each other for the writer, and releases it at once. */
function holdsLock(fd: number): boolean | undefined {
  const locks = native();
  if (locks === undefined) return undefined;
  if (!locks.lockShared(fd)) return true;
  locks.unlock(fd);
  return false;
}
