/** Reads and changes the files of a metrics directory from outside. */
import { closeSync, openSync, readdirSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { dataFileName } from '../../src/directory/file-name.js';
import { crc32 } from '../../src/metrics-file/crc32.js';
import { readHeader } from '../../src/metrics-file/header.js';
import { pack } from '../../src/metrics-file/pack.js';
import { HEADER, type ProcessIdentity } from '../../src/metrics-file/layout.js';

/** Returns the paths of the data files of processes. */
export function dataFiles(dir: string, pid?: number): string[] {
  const names = readdirSync(dir).filter((name) => name.endsWith('.prom-mp'));
  return names.filter((name) => pid === undefined || name.startsWith(`${pid}-`)).map((name) => join(dir, name));
}

/** Changes the identity in a dead writer's file. @returns the new path of the file */
export function changeIdentity(dir: string, path: string, changes: Partial<ProcessIdentity>): string {
  const fd = openSync(path, 'r+');
  try {
    const identity = { ...readHeader(fd, path).identity, ...changes };
    const packed = pack(identity);
    writeSync(fd, new Uint32Array([packed.length, crc32(packed)]), 0, 8, HEADER.identityLength);
    writeSync(fd, packed, 0, packed.length, HEADER.identity);
    const renamed = join(dir, dataFileName(identity));
    renameSync(path, renamed);
    return renamed;
  } finally {
    closeSync(fd);
  }
}
