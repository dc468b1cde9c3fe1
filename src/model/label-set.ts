/** Validates the labels of series. Rules and error texts are those of prom-client 15.1.3. */
import { inspect } from 'node:util';
import { metricKind } from './metric-kind.js';
import type { MetricType } from './metric-family.js';
import { isLabelName, type NameValidation } from './naming.js';
import { wellFormed } from './well-formed.js';

/** Without duplicates. @throws {Error} prom-client's error, where a name breaks the rule or is reserved for the type */
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
 * @throws {Error} prom-client's error, where a name is not among the family's label names
 */
export function assertLabelsDeclared(labelNames: readonly string[], labels: object): void {
  for (const name in labels) {
    if (!labelNames.includes(name)) {
      throw new Error(`Added label "${name}" is not included in initial labelset: ${inspect(labelNames)}`);
    }
  }
}

/** @throws {Error} prom-client's error, where `labels('a', 'b')` does not have one value for each label name */
export function assertValueCount(labelNames: readonly string[], values: readonly unknown[]): void {
  if (labelNames.length === values.length) return;
  throw new Error(
    `Invalid number of arguments (${values.length}): "${values.join(', ')}" for label names (${labelNames.length}): "${labelNames.join(', ')}".`,
  );
}

/**
 * Returns a label value in the form that is stored: numbers and other types as strings; undefined means that the label is
 * absent. A lone surrogate has no UTF-8 encoding, and two values with different ones would be printed as the same series
 * twice; so each becomes U+FFFD here, as in a UTF-8 encoder.
 */
export function labelValue(value: unknown): string | undefined {
  return value === undefined ? undefined : wellFormed(typeof value === 'string' ? value : String(value));
}
