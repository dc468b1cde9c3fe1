import type { ProcessIdentity } from './layout.js';

/** Identifies a process, whose main thread and worker threads each have a file; undefined where the text is not a key. */
export interface Process {
  readonly bootId: string;
  readonly pidNamespace: string;
  /** On systems without a boot id; else ''. */
  readonly hostName: string;
  readonly pid: number;
  /** In clock ticks since boot; on systems without that number, seconds since the epoch. */
  readonly startTime: string;
}

/** Equal for all files of one process, and different for different processes. */
export function processKey(identity: ProcessIdentity): string {
  const { bootId, pidNamespace, pid, startTime, startedAt } = identity;
  const hostName = bootId === '' ? identity.hostName : '';
  return JSON.stringify([bootId, pidNamespace, hostName, pid, startTime || String(Math.round(startedAt))]);
}

export function parseProcessKey(key: string): Process | undefined {
  let parts: unknown;
  try {
    parts = JSON.parse(key);
  } catch {
    return undefined;
  }
  if (!Array.isArray(parts) || parts.length !== 5) return undefined;
  const [bootId, pidNamespace, hostName, pid, startTime] = parts as unknown[];
  const texts = [bootId, pidNamespace, hostName, startTime];
  if (!texts.every((text) => typeof text === 'string') || !Number.isSafeInteger(pid)) return undefined;
  return { bootId, pidNamespace, hostName, pid, startTime } as Process;
}
