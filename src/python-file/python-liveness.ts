/**
 * Whether the process that a `.db` file is named after is alive. The file says nothing of its writer but the pid, and that
 * means nothing in another pid namespace: a sidecar container that mounts the directory has other processes under the same
 * numbers. So no process counts as dead before one of the directory's files was seen open in the process of its name, which
 * proves that pids mean the same here; until then a process that is not found is unknown, and counts as alive.
 *
 * client_python keeps its files open for writing as long as its process lives.
 */
import { closeSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import { processStat } from '../directory/identity.js';
import { isOpenForWriting, type Liveness, processExists } from '../directory/liveness.js';
import { openForReading } from '../metrics-file/header.js';
import type { PythonFileName } from './file-name.js';

const MAX_STRANGERS = 10_000;

export class PythonLiveness {
  /** Start times of processes that were seen to have a file of theirs open, by their pids. */
  readonly #writers = new Map<number, string>();
  /** Files and processes of their names that have them not open: a process opens its file when it makes it. */
  readonly #strangers = new Set<string>();

  /** Looks for a proof that the pids of these files are pids here, where there is none yet. */
  survey(dir: string, files: readonly PythonFileName[]): void {
    for (const { name, pid } of files) {
      if (this.#writers.size > 0) return;
      if (pidOf(pid) === undefined || !processExists(pidOf(pid)!)) continue;
      try {
        const fd = openForReading(join(dir, name));
        try {
          this.probe(fd, pid);
        } finally {
          closeSync(fd);
        }
      } catch {
        // reading it tells what is wrong with it
      }
    }
  }

  /** @param fd of the file, opened for reading */
  probe(fd: number, pid: string): Liveness {
    const number = pidOf(pid);
    if (number === undefined) return 'unknown';
    const absent = this.#writers.size > 0 ? 'dead' : 'unknown';
    const stat = processStat(number);
    if (stat === undefined) return processExists(number) ? 'unknown' : absent;
    if (stat.state === 'Z' || stat.state === 'X') return absent;
    if (this.#writers.get(number) === stat.startTime) return 'live';
    const key = [fstatSync(fd).ino, number, stat.startTime].join();
    if (this.#strangers.has(key)) return absent;
    switch (isOpenForWriting(fd, number)) {
      case true:
        this.#writers.set(number, stat.startTime);
        return 'live';
      case false:
        // a process that has got the pid since, or one in another namespace
        if (this.#strangers.size >= MAX_STRANGERS) this.#strangers.clear();
        this.#strangers.add(key);
        return absent;
      default:
        // another user's process, of which /proc does not tell
        return 'unknown';
    }
  }
}

function pidOf(text: string): number | undefined {
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}
