import { closeSync, constants, openSync, readFileSync } from 'node:fs';

const { O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/** As open(2), but opens no symlink and does not wait for the other end of a fifo. */
export function openFile(path: string, flags: number, mode?: number): number {
  return openSync(path, flags | O_NOFOLLOW | O_NONBLOCK, mode);
}

/** Closes a file after a call. Returns what the call returns. */
export function whileOpen<T>(fd: number, use: (fd: number) => T): T {
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** The text of a file, such as one in /proc; empty where it cannot be read. */
export function contents(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
