/**
 * Whether the writer of a file is alive, as far as this process can tell.
 *
 * | the file's method | this process | live | dead | unknown |
 * |---|---|---|---|---|
 * | flock | has flock | the lock is held | it is free | free, but the heartbeat of another machine is fresh |
 * | any | otherwise, on the writer's machine | its process is there | it is gone, or its pid is another's | /proc is silent, and the heart |
 * | the same, of a thread | | its thread of the system is there | it is gone | the same |
 * | any | otherwise, elsewhere | | silent, and Closed or of a former boot of a machine of this name | else |
 * | heartbeat | the same | | silent, and of this boot or a machine of this name; a thread after an hour | else |
 *
 * `unknown` is shown as live and never folded.
 */
import { fstatSync, readdirSync, statSync } from 'node:fs';
import { CLOCK_TOLERANCE_SECONDS } from '../model/comparable-time.js';
import { FileState, type ProcessIdentity } from '../metrics-file/layout.js';
import type { Header } from '../metrics-file/header.js';
import { contents } from '../metrics-file/open-file.js';
import { parseProcessKey } from '../metrics-file/process-key.js';
import { currentMachine, isEnded, osThreadRuns, processStat, sameMachine } from './identity.js';
import { isLocked, knowsLock } from './writer-locks.js';

export type Liveness = 'live' | 'dead' | 'unknown';

export type Vitals = Pick<Header, 'identity' | 'state' | 'heartbeat'>;

/** A heartbeat within this many seconds is fresh: the interval is 5 s, and event loops are blocked now and then. */
const FRESH_SECONDS = 30;
const STALE_SECONDS = CLOCK_TOLERANCE_SECONDS;
/** A thread may wait for work: without another sign, it is taken for dead after this time. */
const IDLE_THREAD_SECONDS = 3600;

/**
 * Remembers dead processes. A dead writer cannot live again at the next probe; a lock on its file, or its pid, then belongs
 * to another program. Only a process that was found dead by its heartbeat may turn out to be alive.
 */
export class LivenessProbe {
  #dead = new Set<string>();

  probe(fd: number, vitals: Vitals, now = Date.now() / 1000): Liveness {
    const { id } = vitals.identity;
    if (this.#dead.has(id)) return 'dead';
    const liveness = probeLiveness(fd, vitals, now);
    if (liveness === 'dead' && !isJudgedBySilence(vitals.identity)) this.#dead.add(id);
    return liveness;
  }

  isKnownDead(id: string): boolean {
    return this.#dead.has(id);
  }

  /** Forgets all ids except these, whose files still exist. */
  retain(ids: Iterable<string>): void {
    this.#dead = new Set([...ids].filter((id) => this.#dead.has(id)));
  }
}

function isJudgedBySilence(identity: ProcessIdentity): boolean {
  const hasLock = identity.liveness === 'flock' && knowsLock(identity.id);
  return !hasLock && !sameMachine(identity);
}

/** Ignores the results of earlier probes. @param fd of the file; it may be read-only. @param now seconds since the epoch */
export function probeLiveness(fd: number, vitals: Vitals, now = Date.now() / 1000): Liveness {
  const locked = vitals.identity.liveness === 'flock' ? isLocked(fd, vitals.identity.id) : undefined;
  if (locked === true) return 'live';
  if (locked === false) return locksMayNotReachUs(vitals, now) ? 'unknown' : 'dead';
  return sameMachine(vitals.identity) ? probeHere(vitals, now) : probeElsewhere(vitals, now);
}

/**
 * Two virtual machines that share a directory (virtiofs, gVisor) may not see each other's locks. A writer with another boot
 * id and another host name and a fresh heartbeat is taken for such a machine; in files of a former boot the heartbeat
 * becomes stale.
 */
function locksMayNotReachUs({ identity, state, heartbeat }: Vitals, now: number): boolean {
  const here = currentMachine();
  return (
    identity.bootId !== here.bootId &&
    identity.hostName !== here.hostName &&
    !isRecordedAsEnded(state) &&
    heartBeats({ heartbeat }, now)
  );
}

function isRecordedAsEnded(state: number): boolean {
  return state === FileState.Closed || state === FileState.Dead;
}

/** Whether the heartbeat is fresh. The writer's clock may be ahead or behind. */
export function heartBeats({ heartbeat }: Pick<Vitals, 'heartbeat'>, now: number): boolean {
  return Math.abs(now - heartbeat) <= STALE_SECONDS;
}

/**
 * For a writer whose pid has no meaning here: in another pid namespace (a container), or on another machine. A process
 * without a heartbeat for a dozen intervals is dead if it uses the reader's clock (the same boot), or if the host with its
 * name is here, as after a container was killed and started again. A process that was only stopped notices this when it
 * continues (absorbed-counts.ts).
 */
function probeElsewhere({ identity, state, heartbeat }: Vitals, now: number): Liveness {
  if (heartBeats({ heartbeat }, now)) return 'unknown';
  // Exit hooks that run after ours may still count into a file whose state is Closed.
  if (isRecordedAsEnded(state)) return 'dead';
  const here = currentMachine();
  const isSameBoot = identity.bootId === here.bootId && here.bootId !== '';
  const isSameHost = identity.hostName === here.hostName;
  if (isSameHost && !isSameBoot && identity.bootId !== '' && here.bootId !== '') return 'dead';
  // a blocked process counts into a mapped file without a heartbeat, and cannot later subtract what was folded of it
  if (identity.liveness === 'flock' || !(isSameBoot || isSameHost)) return 'unknown';
  // an idle thread of piscina waits in Atomics and has no heartbeat
  return identity.threadId === 0 || Math.abs(now - heartbeat) > IDLE_THREAD_SECONDS ? 'dead' : 'unknown';
}

/** For a writer on this machine: its pid belongs to that process or to a later one. */
function probeHere({ identity, state, heartbeat }: Vitals, now: number): Liveness {
  const { pid, startTime, threadId, osThread } = identity;
  if (!processExists(pid)) return 'dead';
  const isFresh = Math.abs(now - heartbeat) <= FRESH_SECONDS;
  const stat = processStat(pid);
  if (startTime === '' || stat === undefined) {
    // This system has no start times, or /proc is hidden: another process may have the pid by now.
    return isFresh ? 'live' : 'unknown';
  }
  if (stat.startTime !== startTime) return 'dead';
  if (isEnded(stat)) return 'dead';
  // The heartbeat does not matter here: a process that is stopped or whose event loop is blocked may continue.
  if (threadId === 0) return 'live';
  // The same for a thread: an idle piscina thread waits in Atomics and has no heartbeat, and a terminated one may have a
  // fresh one.
  if (osThread !== '') return osThreadRuns(pid, osThread) ? 'live' : 'dead';
  if (isFresh) return 'live';
  return isRecordedAsEnded(state) ? 'dead' : 'unknown';
}

/** A process on another machine cannot be tested: it counts as ended when none of its threads was seen for this time. */
const GONE_SECONDS = 24 * 3600;

/** Whether a process (process-key.ts), a thread of which was last seen then, has ended and can create no file any more. */
export function isProcessOver(key: string, lastSeenAt: number, now: number): boolean {
  const process = parseProcessKey(key);
  if (process === undefined) return true;
  const { bootId, pidNamespace, hostName, pid, startTime } = process;
  const here = currentMachine();
  const isHere = bootId === here.bootId && pidNamespace === here.pidNamespace;
  if (!isHere || (bootId === '' && hostName !== here.hostName)) return now - lastSeenAt > GONE_SECONDS;
  const stat = processStat(pid);
  return stat === undefined ? !processExists(pid) : stat.startTime !== startTime || isEnded(stat);
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists, but belongs to another user.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/**
 * Whether a process has the file behind `fd` open for writing; for files of programs that hold no lock and record no start
 * time. It takes 70 µs for 30 descriptors. Readers in the same process have the file open for reading only. Undefined where
 * /proc does not tell, as for another user's process.
 */
export function isOpenForWriting(fd: number, pid: number): boolean | undefined {
  const { ino, dev } = fstatSync(fd);
  const descriptors = `/proc/${pid}/fd`;
  let numbers: string[];
  try {
    numbers = readdirSync(descriptors);
  } catch {
    return undefined;
  }
  return numbers.some((number) => {
    try {
      const open = statSync(`${descriptors}/${number}`);
      return open.ino === ino && open.dev === dev && isWritable(`/proc/${pid}/fdinfo/${number}`);
    } catch {
      return false; // closed meanwhile
    }
  });
}

/** The `flags:` line of proc_pid_fdinfo(5) is octal; its last digit is the access mode. */
function isWritable(fdinfo: string): boolean {
  const flags = /^flags:\s*(\d+)$/m.exec(contents(fdinfo));
  return flags !== null && (parseInt(flags[1], 8) & 3) !== 0;
}
