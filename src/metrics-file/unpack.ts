/**
 * Decodes msgpack of files with msgpackr, without its record extension and in the build without `eval`. The plain build loads a native
 * module when it is required, and this package loads none before a metric needs it; for values as short as these the speed is the same.
 */
import type { Unpackr as UnpackrClass } from 'msgpackr';
import { isPlainMsgpack } from './plain-msgpack.js';

let unpackr: UnpackrClass | undefined;

/** msgpackr is loaded at its first use: a process that only counts does not need it (see pack.ts). */
function codec(): UnpackrClass {
  if (unpackr === undefined) {
    const { Unpackr } = require('msgpackr/index-no-eval') as { Unpackr: typeof UnpackrClass };
    unpackr = new Unpackr({ useRecords: false });
  }
  return unpackr;
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
