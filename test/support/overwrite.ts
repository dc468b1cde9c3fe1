import { openSync, writeSync } from 'node:fs';
import { whileOpen } from '../../src/metrics-file/open-file.js';

/** Overwrites bytes of a file in place. */
export function overwrite(path: string, position: number, bytes: NodeJS.ArrayBufferView): void {
  whileOpen(openSync(path, 'r+'), (fd) => writeSync(fd, bytes, 0, bytes.byteLength, position));
}
