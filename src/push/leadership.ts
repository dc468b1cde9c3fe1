/**
 * Decides which process pushes. The kernel's lock decides where there is one: it frees the lock when the
 * leader dies, at whatever instant, and another process takes it at its next tick. A leader that is stopped keeps it, and the
 * others only warn: they could not know that it does not send in the next moment.
 *
 * The record in the locked file decides as well, for two cases in which the lock does not. Hosts that share a volume may not
 * share its locks. And where there are no locks (a worker thread, a system without the native module), a process claims the
 * record and leads if its claim is still there a tick later; a claim that nobody has renewed for three intervals is free.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, statfsSync } from 'node:fs';
import { currentMachine } from '../directory/identity.js';
import { PushLock } from '../directory/push-lock.js';
import { NO_FIGURES, type PushFigures, type PushRecord, STALLED_INTERVALS } from '../directory/push-record.js';
import { invalidArgument } from '../errors.js';
import { isNetworkFileSystem } from '../metrics-file/mapping.js';
import type { Labels } from '../model/metric-family.js';

export interface LeadershipOptions {
  /** 16 hexadecimal digits that stand for what is pushed, and where to. */
  readonly id: string;
  readonly target: string;
  readonly intervalMs: number;
  /** Logs a condition once. */
  readonly warn: (what: string, reason: string) => void;
}

export class Leadership {
  readonly #options: LeadershipOptions;
  readonly #self = {
    leader: randomBytes(8).toString('hex'),
    machine: Object.values(currentMachine()).join(' '),
    pid: process.pid,
  };
  #lock: PushLock | undefined;
  /** The last record of another process, and since when it is unchanged by this process's own clock. */
  #other: { readonly text: string; readonly since: number } | undefined;
  #sentAt = 0;
  /** Whether this process has found out that it leads, and has not lost that since. */
  isLeader = false;

  constructor(options: LeadershipOptions) {
    this.#options = options;
  }

  /**
   * Whether this process leads now. Called once per interval.
   *
   * @param dir undefined for a process that counts in memory, and is the only one
   * @throws {NodeJS.ErrnoException} where the files of the lock cannot be made
   */
  decide(dir: string | undefined): boolean {
    if (dir === undefined) {
      this.#giveUp();
      return (this.isLeader = true);
    }
    if (this.#lock?.dir !== dir || !this.#lock.isValid) {
      this.#giveUp();
      this.#lock = new PushLock(dir, this.#options.id);
    }
    return (this.isLeader = this.#leadsBy(this.#lock));
  }

  /** The figures of earlier leaders, read when this process has become the leader. */
  get figures(): PushFigures {
    return this.#lock?.read()?.figures ?? NO_FIGURES;
  }

  /**
   * Returns the time for the samples of the next sending, and records it first: a process that takes over does not send an
   * earlier one, even if the clock is set back.
   */
  nextTime(figures: PushFigures, now = Date.now()): number {
    this.#sentAt = Math.max(now, 1 + Math.max(this.#sentAt, this.#lock?.read()?.sentAt ?? 0));
    this.record(figures, now);
    return this.#sentAt;
  }

  /** Shows the other processes that this one leads, with its figures. */
  record(figures: PushFigures, now = Date.now(), hasEnded = false): void {
    const lock = this.#lock;
    if (lock === undefined) return;
    this.#write(lock, { isLocked: lock.take() === true, hasEnded, sentAt: this.#sentAt, beatAt: now, figures });
  }

  /** Whether no other process can take over from this leader. None can join until `end`. */
  isLast(): boolean {
    return this.#lock === undefined || this.#lock.excludeOthers();
  }

  end(figures: PushFigures): void {
    if (this.isLeader) this.record(figures, Date.now(), true);
    this.#giveUp();
  }

  #leadsBy(lock: PushLock): boolean {
    const { intervalMs, warn } = this.#options;
    const isHolder = lock.take();
    const record = lock.read();
    if (record?.leader === this.#self.leader) return isHolder !== false;
    if (this.isLeader && isHolder === true && record?.isLocked === true && record.machine !== this.#self.machine) {
      warn(
        'two leaders',
        `${nameOf(record)} pushes the same series, because its host does not share the locks of ${JSON.stringify(lock.path)}: give the option labels on each host, or a directory of its own`,
      );
    }
    const silentMs = this.#silenceOf(record);
    const stalledMs = STALLED_INTERVALS * intervalMs;
    if (isHolder === false) {
      if (record !== undefined && silentMs > STALLED_INTERVALS * record.intervalMs) {
        warn(
          'stalled',
          `${nameOf(record)} leads and has sent nothing for ${Math.round(silentMs / 1000)} s, so nobody does: let it continue, or end it`,
        );
      }
      return false;
    }
    const isFree = record === undefined || record.hasEnded;
    if (isHolder === true) {
      // a leader of this host that held the lock is dead; one without the lock, or of another host, may be alive
      const isDead = record?.isLocked === true && record.machine === this.#self.machine;
      return isFree || isDead || silentMs > stalledMs;
    }
    if (isFree || silentMs > stalledMs) this.#claim(lock, record);
    return false;
  }

  #claim(lock: PushLock, before: PushRecord | undefined): void {
    const { sentAt = 0, figures = NO_FIGURES } = before ?? {};
    this.#write(lock, { isLocked: false, hasEnded: false, sentAt, beatAt: Date.now(), figures });
  }

  #write(lock: PushLock, state: Pick<PushRecord, 'isLocked' | 'hasEnded' | 'sentAt' | 'beatAt' | 'figures'>): void {
    const { target, intervalMs } = this.#options;
    lock.write({ target, intervalMs, ...this.#self, ...state });
  }

  /** How long the record of another process is unchanged. */
  #silenceOf(record: PushRecord | undefined): number {
    const text = JSON.stringify(record) ?? '';
    const now = performance.now();
    if (this.#other?.text !== text) this.#other = { text, since: now };
    return now - this.#other.since;
  }

  #giveUp(): void {
    this.#lock?.close();
    this.#lock = undefined;
    this.isLeader = false;
  }
}

function nameOf({ pid, machine }: PushRecord): string {
  return `process ${pid} of ${machine.split(' ').at(-1)}`;
}

/**
 * Hosts that share a volume may not share its locks, and then each has a leader. Their series must not be the same.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT on a network file system, without labels
 */
export function assertOwnLabels(dir: string, labels: Labels): void {
  if (Object.keys(labels).length > 0 || process.platform !== 'linux' || !existsSync(dir)) return;
  if (!isNetworkFileSystem(statfsSync(dir).type)) return;
  throw invalidArgument(
    `${JSON.stringify(dir)} is on a network file system, which hosts may share without its locks: give the option labels, ` +
      'with other values on each host, or use a directory on this host',
  );
}
