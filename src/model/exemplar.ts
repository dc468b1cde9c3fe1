/** Validates the labels of exemplars. */
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { wellFormed } from './well-formed.js';
import type { Labels } from './metric-family.js';
import { isLabelName, labelNameRule, type NameValidation } from './naming.js';

/** Maximum number of characters in the names and values of an exemplar's labels together (OpenMetrics 1.0, 4.6.1). */
const MAX_EXEMPLAR_CHARACTERS = 128;

/**
 * Returns a user's exemplar labels in the form that is stored: a copy with values as strings and without undefined ones.
 *
 * Characters are Unicode code points. prom-client counts UTF-16 code units, so it refuses some label sets with emoji that
 * the rule allows. Every label set that prom-client accepts is short enough here too.
 *
 * @throws {RangeError} prom-client's error, where the labels are too long
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where a name breaks the rule for label names
 */
export function validateExemplarLabels(labels: Readonly<Record<string, unknown>>, validation?: NameValidation): Labels {
  const copy: Labels = Object.create(null) as Labels;
  let characters = 0;
  for (const [name, value] of Object.entries(labels)) {
    if (value === undefined) continue;
    if (!isLabelName(name, validation)) {
      throw invalidArgument(`the exemplar label ${inspect(name)} is not a label name: ${labelNameRule(validation)}`);
    }
    copy[name] = wellFormed(String(value));
    characters += codePoints(name) + codePoints(copy[name]);
  }
  if (characters > MAX_EXEMPLAR_CHARACTERS) {
    throw new RangeError('Label set size must be smaller than 128 UTF-8 chars');
  }
  return copy;
}

function codePoints(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) count += (text.charCodeAt(at) & 0xfc00) === 0xdc00 ? 0 : 1;
  return count;
}
