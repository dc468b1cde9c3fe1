import { invalidArgument, shownValue } from '../errors.js';

/** Throws an error that has the name of the option, its value and the rule that it breaks. */
export function refuseOption(name: string, value: unknown, rule: string): never {
  throw invalidArgument(`option ${name} is ${shownValue(value)}; ${rule}`);
}

/** A number of milliseconds that timers can hold (they are 32 bits wide), or the default. */
export function milliseconds(name: string, value: number | undefined, byDefault: number, least = 1): number {
  if (value === undefined) return byDefault;
  if (!Number.isFinite(value) || value < least || value > 2 ** 31 - 1) {
    refuseOption(name, value, `give milliseconds, ${least} to ${2 ** 31 - 1}`);
  }
  return value;
}

/** A whole number of at least `least`, or the default. */
export function wholeNumber(name: string, value: number | undefined, byDefault: number, least: number): number {
  if (value === undefined) return byDefault;
  if (!Number.isSafeInteger(value) || value < least) {
    refuseOption(name, value, `give a whole number of ${least} or more`);
  }
  return value;
}

/** The value of a limit: a whole number of at least 1, Infinity for no limit, or the default. */
export function limit(name: string, value: number | undefined, byDefault: number): number {
  return value === Infinity ? value : wholeNumber(name, value, byDefault, 1);
}
