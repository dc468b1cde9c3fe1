import { invalidArgument } from '../errors.js';

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
export function positiveNumber(option: string, text: string, most = Infinity): number {
  const value = Number(text);
  if (value > 0 && value <= most) return value;
  throw invalidArgument(
    `${option} ${JSON.stringify(text)} must be a number above 0${value > most ? `, and at most ${most}` : ''}`,
  );
}
