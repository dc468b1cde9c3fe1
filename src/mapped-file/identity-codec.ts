import { Packr } from 'msgpackr';
import type { LivenessMethod, ProcessIdentity } from './layout.js';

const packr = new Packr({ useRecords: false });

export function encodeIdentity(identity: ProcessIdentity): Uint8Array {
  return packr.pack(identity);
}

/** The longest string that a header may hold: a host name is at most 255 bytes. */
const LONGEST = 256;

/**
 * An identity out of bytes that anybody may have written.
 *
 * @throws {TypeError} naming the field that is not what it has to be; or what msgpackr throws
 */
export function decodeIdentity(bytes: Uint8Array): ProcessIdentity {
  const map: unknown = packr.unpack(bytes);
  if (typeof map !== 'object' || map === null) throw new TypeError('the identity is a map');
  const fields = map as Record<string, unknown>;
  const number = (name: string): number => {
    const value = fields[name];
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw new TypeError(`${name} is a number`);
    return value;
  };
  const text = (name: string): string => {
    const value = fields[name];
    if (typeof value !== 'string' || value.length > LONGEST) throw new TypeError(`${name} is a short string`);
    return value;
  };
  const liveness = text('liveness');
  if (liveness !== 'flock' && liveness !== 'heartbeat') throw new TypeError('liveness is flock or heartbeat');
  const id = text('id');
  if (!/^[0-9a-f]{16}$/.test(id)) throw new TypeError('id is 16 hexadecimal digits');
  return {
    pid: number('pid'),
    threadId: number('threadId'),
    startTime: text('startTime'),
    bootId: text('bootId'),
    pidNamespace: text('pidNamespace'),
    hostName: text('hostName'),
    id,
    startedAt: number('startedAt'),
    createdAt: number('createdAt'),
    liveness: liveness satisfies LivenessMethod,
  };
}
