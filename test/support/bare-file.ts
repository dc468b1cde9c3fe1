import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dataFileName } from '../../src/directory/file-name.js';
import { currentIdentity } from '../../src/directory/identity.js';
import { crc32 } from '../../src/metrics-file/crc32.js';
import { pack } from '../../src/metrics-file/pack.js';
import {
  BYTE_ORDER_MARK,
  FileState,
  HEADER,
  MAGIC,
  VERSION_MAJOR,
  VERSION_MINOR,
} from '../../src/metrics-file/layout.js';
import type { ProcessIdentity } from '../../src/metrics-file/layout.js';

export interface BareFile {
  readonly path: string;
  readonly name: string;
  readonly identity: ProcessIdentity;
}

export interface BareWords {
  readonly state?: number;
  /** Seconds since the epoch. */
  readonly heartbeat?: number;
}

/** Writes a data file that is only a header, of a writer that holds no lock. The test chooses the identity. */
export function writeBareFile(dir: string, changes: Partial<ProcessIdentity> = {}, words: BareWords = {}): BareFile {
  const identity = { ...currentIdentity('heartbeat'), ...changes };
  const name = dataFileName(identity);
  const path = join(dir, name);
  writeFileSync(path, bareHeader(identity, words));
  return { path, name, identity };
}

/** Returns a header page in the byte order of this machine. */
export function bareHeader(identity: ProcessIdentity, { state = FileState.Open, heartbeat }: BareWords = {}): Buffer {
  return headerAround(pack(identity), state, heartbeat ?? Date.now() / 1000);
}

/** Returns a header page with any bytes as its identity, and the right checksum. */
export function headerAround(packed: Uint8Array, state: number = FileState.Open, heartbeat = 0): Buffer {
  const page = Buffer.alloc(HEADER.bytes);
  page.write(MAGIC, HEADER.magic, 'latin1');
  new Uint32Array(page.buffer, page.byteOffset + HEADER.byteOrderMark, 1)[0] = BYTE_ORDER_MARK;
  new Uint16Array(page.buffer, page.byteOffset + HEADER.versionMajor, 2).set([VERSION_MAJOR, VERSION_MINOR]);
  new Uint32Array(page.buffer, page.byteOffset + HEADER.state, 1)[0] = state;
  new Float64Array(page.buffer, page.byteOffset + HEADER.heartbeat, 1)[0] = heartbeat;
  new Uint32Array(page.buffer, page.byteOffset + HEADER.identityLength, 2).set([packed.length, crc32(packed)]);
  page.set(packed, HEADER.identity);
  return page;
}
