/**
 * msgpack for files: msgpackr without its record extension, in the build without `eval`. The plain build loads a native
 * module when it is required, and this package loads none before a metric needs it; for values as short as these the speed
 * is the same.
 */
import type { Packr as PackrClass } from 'msgpackr';
import { isPlainMsgpack } from './plain-msgpack.js';

let packr: PackrClass | undefined;

/** msgpackr is loaded at its first use: a process that counts in memory does not need it. */
function codec(): PackrClass {
  if (packr === undefined) {
    const { Packr } = require('msgpackr/index-no-eval') as { Packr: typeof PackrClass };
    packr = new Packr({ useRecords: false });
  }
  return packr;
}

/** Encodes an array, or a map without its undefined fields. */
export function pack(value: object): Uint8Array {
  if (Array.isArray(value)) return codec().pack(value);
  return codec().pack(Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)));
}

/**
 * Decodes one plain value from bytes that anybody may have written; undefined where there is no value, or more than one.
 */
export function unpack(bytes: Uint8Array): unknown {
  if (!isPlainMsgpack(bytes)) return undefined;
  try {
    return codec().unpack(bytes);
  } catch {
    // a map with more keys than msgpackr accepts
    return undefined;
  }
}
