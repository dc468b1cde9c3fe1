/**
 * Which labels a family's series may have. Rules and error texts are prom-client 15.1.3's.
 */
import { inspect } from 'node:util';
import { metricKind } from './metric-kind.js';
import type { MetricType } from './metric-family.js';
import { isLabelName, type NameValidation } from './naming.js';
import { wellFormed } from './well-formed.js';

/**
 * The label names of a family as the user gave them, each once.
 *
 * @throws {Error} prom-client's, where a name breaks the rule or is reserved for the type
 */
export function declaredLabelNames(
  labelNames: readonly string[] | undefined,
  type: MetricType,
  validation: NameValidation = 'legacy',
): readonly string[] {
  const names = [...(labelNames ?? [])];
  const areNames = names.every((name) => typeof name === 'string' && isLabelName(name, validation));
  if (!areNames) throw new Error('Invalid label name');
  const reserved = metricKind(type).lineLabel;
  if (reserved !== undefined && names.includes(reserved)) throw new Error(`${reserved} is a reserved label keyword`);
  return [...new Set(names)];
}

/**
 * @param labels a label object that the user gave; inherited names count, as in prom-client
 * @throws {Error} prom-client's, where a name is not among the family's
 */
export function assertLabelsDeclared(labelNames: readonly string[], labels: object): void {
  for (const name in labels) {
    if (!labelNames.includes(name)) {
      throw new Error(`Added label "${name}" is not included in initial labelset: ${inspect(labelNames)}`);
    }
  }
}

/** @throws {Error} prom-client's, where `labels('a', 'b')` has not one value for each label name */
export function assertValueCount(labelNames: readonly string[], values: readonly unknown[]): void {
  if (labelNames.length === values.length) return;
  throw new Error(
    `Invalid number of arguments (${values.length}): "${values.join(', ')}" for label names (${labelNames.length}): "${labelNames.join(', ')}".`,
  );
}

/**
 * A label value as it is stored: numbers and the like as their text; undefined is a label that is not there. Half a
 * surrogate pair has no UTF-8, and two values with different halves would be printed as one series twice; it becomes
 * U+FFFD here as it would in UTF-8.
 */
export function labelValue(value: unknown): string | undefined {
  return value === undefined ? undefined : wellFormed(typeof value === 'string' ? value : String(value));
}
