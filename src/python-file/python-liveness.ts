/**
 * Whether the process that a `.db` file is named after is alive. The file names its writer by the pid only, which has no
 * meaning in another pid namespace: a sidecar container that mounts the directory has other processes with the same
 * numbers. So no process counts as dead before one of the directory's files was seen open in the process of its name, which
 * proves that pids have the same meaning here; until then a missing process is unknown, and counts as alive.
 *
 * client_python keeps its files open for writing as long as its process lives. The open files of another user's process
 * cannot be read. Such a process is dead if it started after the last change of its file, because then it has the pid of
 * the process that wrote the file. The age of the file itself would not do: a process continues the file of an earlier one
 * with its pid.
 */
import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { processStartSeconds, processStat } from '../directory/identity.js';
import { isOpenForWriting, type Liveness, processExists } from '../directory/liveness.js';
import { openForReading } from '../metrics-file/header.js';
import { whileOpen } from '../metrics-file/open-file.js';
import type { PythonFileName } from './file-name.js';

const MAX_STRANGERS = 10_000;
/** The kernel's times of files and of processes differ by some clock ticks, and a clock may be corrected. */
const TOLERANCE_SECONDS = 2;

export class PythonLiveness {
  /** By pid, the start times of processes that were seen with a file of their name open. */
  readonly #writers = new Map<number, string>();
  /** Files that the process of their name has not open: a process opens its file when it creates it. */
  readonly #strangers = new Set<string>();

  /** Looks for a proof that the pids of these files are pids of this namespace, unless there is one. */
  survey(dir: string, files: readonly PythonFileName[]): void {
    for (const { name, pid } of files) {
      if (this.#writers.size > 0) return;
      if (pidOf(pid) === undefined || !processExists(pidOf(pid)!)) continue;
      try {
        whileOpen(openForReading(join(dir, name)), (fd) => this.probe(fd, pid));
      } catch {
        // the collection reports it when it reads the file
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
        // a later process with this pid, or one in another namespace
        if (this.#strangers.size >= MAX_STRANGERS) this.#strangers.clear();
        this.#strangers.add(key);
        return absent;
      default:
        // another user's process
        if (this.#writers.size === 0) return 'unknown';
        return startedAfter(stat.startTime, fstatSync(fd).mtimeMs / 1000) ? 'dead' : 'live';
    }
  }
}

function startedAfter(startTime: string, seconds: number): boolean {
  return processStartSeconds(startTime) > seconds + TOLERANCE_SECONDS;
}

function pidOf(text: string): number | undefined {
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
}
