/**
 * Names of metrics and labels, and the names that OpenMetrics derives from them. The default rules and error texts are those
 * of prom-client 15.1.3. A metric may ask for the rules of Prometheus 3, under which any UTF-8 text is a name.
 */
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { wellFormed } from './well-formed.js';

/** The rules for names. */
export type NameValidation = 'legacy' | 'utf8';

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
/** The legacy rule for label names, for a place in a longer pattern. */
export const LABEL_NAME_PATTERN = '[a-zA-Z_][a-zA-Z0-9_]*';
const LABEL_NAME = new RegExp(`^${LABEL_NAME_PATTERN}$`);

export function validateMetricName(name: string): boolean {
  return METRIC_NAME.test(name);
}

/** `__name__` is refused: as a label of a sample it would change the name of the metric, or give it a second name. */
export function isLabelName(name: string, validation: NameValidation = 'legacy'): boolean {
  return (validation === 'utf8' ? isUtf8Name(name) : LABEL_NAME.test(name)) && name !== '__name__';
}

/** The rule for label names, for error messages. */
export function labelNameRule(validation: NameValidation = 'legacy'): string {
  return validation === 'utf8'
    ? 'use any characters, but not none, and not "__name__"'
    : 'use letters, digits and "_", and do not begin with a digit';
}

export function isMetricName(name: string, validation: NameValidation): boolean {
  return validation === 'utf8' ? isUtf8Name(name) : validateMetricName(name);
}

/** A lone surrogate has no UTF-8 encoding. */
function isUtf8Name(name: string): boolean {
  return name !== '' && wellFormed(name) === name;
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the value is neither */
export function assertNameValidation(validation: unknown): asserts validation is NameValidation {
  if (validation === 'legacy' || validation === 'utf8') return;
  throw invalidArgument(`nameValidation ${inspect(validation)} is not known: it is 'legacy' or 'utf8'`);
}

/**
 * Throws prom-client's errors for a metric without a name or a help text, or with a name that breaks the rule. The help text
 * is checked first, as in prom-client.
 */
export function assertNameAndHelp(
  name: unknown,
  help: unknown,
  validation: NameValidation = 'legacy',
): asserts name is string {
  if (!help) throw new Error('Missing mandatory help parameter');
  if (!name) throw new Error('Missing mandatory name parameter');
  if (typeof name !== 'string' || !isMetricName(name, validation)) throw new Error('Invalid metric name');
}

/** Returns `jobs` for `jobs_total`; undefined for `jobs_done`, for which OpenMetrics has no counter name. */
export function counterBaseName(name: string): string | undefined {
  return withoutSuffix(name, '_total');
}

/** Returns `build` for an Info metric that the user named `build_info` or `build`. */
export function infoBaseName(name: string): string {
  return withoutSuffix(name, '_info') ?? name;
}

/** OpenMetrics requires that the family's name ends with the unit (OpenMetrics 1.0, 4.4.1). */
export function endsWithUnit(name: string, unit: string): boolean {
  return name.endsWith(`_${unit}`);
}

function withoutSuffix(name: string, suffix: string): string | undefined {
  return name.length > suffix.length && name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}
