/** The identity of this process. It is unique in spite of reused pids, containers where every pid is 1, and reboots. */
import { randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import type { LivenessMethod, ProcessIdentity } from '../metrics-file/layout.js';
import { contents } from '../metrics-file/open-file.js';

/** Properties that two processes must share before one can judge the other by its pid. */
export interface Machine {
  readonly bootId: string;
  readonly pidNamespace: string;
  readonly hostName: string;
}

/** The identity for a new file of this thread: `id` differs at every call. */
export function currentIdentity(liveness: LivenessMethod): ProcessIdentity {
  const now = Date.now() / 1000;
  return {
    pid: process.pid,
    threadId,
    osThread: threadId === 0 ? '' : ownOsThread(),
    startTime: processStartTime(process.pid),
    ...currentMachine(),
    id: randomBytes(8).toString('hex'),
    // When the process started: performance.timeOrigin would be the thread's. A clock that was set back to 1970 may show
    // less than the uptime.
    startedAt: Math.max(0, Math.round((now - process.uptime()) * 1000) / 1000),
    createdAt: now,
    liveness,
  };
}

let machine: Machine | undefined;

/**
 * Read once: a process cannot change its boot or pid namespace, and a change of the host name must not make its own files
 * look foreign.
 */
export function currentMachine(): Machine {
  machine ??= {
    bootId: contents('/proc/sys/kernel/random/boot_id').trim(),
    pidNamespace: linkTarget('/proc/self/ns/pid'),
    hostName: hostname().slice(0, 256),
  };
  return machine;
}

/** Whether a pid in that identity has the same meaning here as for its writer. */
export function sameMachine(identity: Machine): boolean {
  const here = currentMachine();
  return (
    identity.bootId === here.bootId &&
    identity.pidNamespace === here.pidNamespace &&
    identity.hostName === here.hostName
  );
}

export interface ProcessStat {
  /** proc_pid_stat(5): R, S, D, Z (ended, not waited for), T (stopped), t (traced), X, ... */
  readonly state: string;
  /** In clock ticks since boot, as decimal digits. */
  readonly startTime: string;
}

/** Reads /proc/<pid>/stat; undefined where there is no such process or this system has no such file. */
export function processStat(pid: number): ProcessStat | undefined {
  return procShowsOurPids() ? parseProcessStat(contents(`/proc/${pid}/stat`)) : undefined;
}

/** In clock ticks since boot; '' where `processStat` returns undefined. */
export function processStartTime(pid: number): string {
  return processStat(pid)?.startTime ?? '';
}

/** This thread of the system, as in `ProcessIdentity.osThread`. */
function ownOsThread(): string {
  const tid = Number(linkTarget('/proc/thread-self').split('/')[2]);
  const startTime = procShowsOurPids() ? threadStat(process.pid, tid)?.startTime : undefined;
  return startTime === undefined ? '' : `${tid}:${startTime}`;
}

/** Whether a thread of the system runs. For a process that /proc shows here. */
export function osThreadRuns(pid: number, osThread: string): boolean {
  const [tid, startTime] = osThread.split(':');
  const stat = threadStat(pid, Number(tid));
  return stat !== undefined && stat.startTime === startTime && !isEnded(stat);
}

function threadStat(pid: number, tid: number): ProcessStat | undefined {
  return parseProcessStat(contents(`/proc/${pid}/task/${tid}/stat`));
}

/** Whether it has ended and is only waited for. */
export function isEnded({ state }: ProcessStat): boolean {
  return state === 'Z' || state === 'X';
}

/** Clock ticks of proc_pid_stat(5): 100 in a second on all architectures that Node.js supports. */
const TICKS_A_SECOND = 100;

/**
 * Converts clock ticks since boot to seconds since the epoch. They are counted from the start of this process, since
 * /proc/uptime may be that of a container.
 */
export function processStartSeconds(startTime: string): number {
  const own = Date.now() / 1000 - process.uptime();
  return own + (Number(startTime) - Number(processStartTime(process.pid))) / TICKS_A_SECOND;
}

/**
 * Field 2 is the program's name in parentheses. The program chooses it, and it may contain spaces, parentheses and line
 * ends: fields are counted from the last parenthesis.
 */
export function parseProcessStat(stat: string): ProcessStat | undefined {
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  const [state] = fields;
  const startTime = fields[22 - 3];
  if (nameEnd === -1 || startTime === undefined || !/^\d+$/.test(startTime)) return undefined;
  return { state, startTime };
}

/**
 * After `unshare --pid` without `--mount-proc`, /proc is still that of the outer namespace: its numbers belong to other
 * processes.
 */
function procShowsOurPids(): boolean {
  return linkTarget('/proc/self') === String(process.pid);
}

function linkTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

/** The label of a process in gauges shown per process: `<pid>`, or `<pid>-<thread>` for a worker thread. */
export function pidLabel(identity: ProcessIdentity): string {
  return identity.threadId === 0 ? String(identity.pid) : `${identity.pid}-${identity.threadId}`;
}

type Age = Pick<ProcessIdentity, 'startedAt' | 'createdAt' | 'id'>;

/** For sorting: the process that started first comes first, and among its files the one that was created first. */
export function compareAge(one: Age, other: Age): number {
  return one.startedAt - other.startedAt || one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1);
}
