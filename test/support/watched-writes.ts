/** Observes the write calls of this process, for tests of the written bytes and of the file between two writes. */
import fs from 'node:fs';
import { mock } from 'node:test';

export interface WatchedWrite {
  readonly position: number;
  readonly bytes: number;
}

type WriteSync = (fd: number, bytes: Uint8Array, from: number, length: number, position: number) => number;

const PAGE_BYTES = 4096;

/**
 * Runs `work`, and returns its writes at offsets of files. Each write is split at the page boundaries of the file, since a
 * SIGKILL may end a write there; so `afterEach` sees the file after every page.
 */
export function watchWrites(work: () => void, afterEach: (write: WatchedWrite) => void = () => {}): WatchedWrite[] {
  const writes: WatchedWrite[] = [];
  const real = fs.writeSync as WriteSync;
  const watched: WriteSync = (fd, bytes, from, length, position) => {
    const untilPageEnds = PAGE_BYTES - (position % PAGE_BYTES);
    const done = real(fd, bytes, from, Math.min(length, untilPageEnds), position);
    const write = { position, bytes: done };
    writes.push(write);
    afterEach(write);
    return done;
  };
  const mocked = mock.method(fs, 'writeSync', watched as typeof fs.writeSync);
  try {
    work();
  } finally {
    mocked.mock.restore();
  }
  return writes;
}

/** Runs `work` while every write after the first `writes` ones fails, as on a broken disk. */
export function failWritesAfter(writes: number, work: () => void): void {
  let left = writes;
  const real = fs.writeSync as WriteSync;
  const failing: WriteSync = (fd, bytes, from, length, position) => {
    if (left-- <= 0) throw Object.assign(new Error('EIO: i/o error, write'), { code: 'EIO' });
    return real(fd, bytes, from, length, position);
  };
  const mocked = mock.method(fs, 'writeSync', failing as typeof fs.writeSync);
  try {
    work();
  } finally {
    mocked.mock.restore();
  }
}
