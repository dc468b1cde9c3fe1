/**
 * msgpack, as files have it: by msgpackr, without its record extension. Its build without `eval` is taken because the
 * plain one loads a native module when it is required, and this package loads none before a metric needs it; for values as
 * short as these it is as fast.
 */
import type { Packr as PackrClass } from 'msgpackr';
import { isPlainMsgpack } from './plain-msgpack.js';

const { Packr } = require('msgpackr/index-no-eval') as { Packr: typeof PackrClass };
const packr = new Packr({ useRecords: false });

/** Bytes of an array, or of a map whose undefined fields are left out. */
export function pack(value: object): Uint8Array {
  if (Array.isArray(value)) return packr.pack(value);
  return packr.pack(Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)));
}

/** One plain value out of bytes that anybody may have written; undefined where they are none, or more than one. */
export function unpack(bytes: Uint8Array): unknown {
  if (!isPlainMsgpack(bytes)) return undefined;
  try {
    return packr.unpack(bytes);
  } catch {
    // a map of more keys than msgpackr takes
    return undefined;
  }
}
