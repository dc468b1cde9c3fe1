/** prom-client's errors for what is not a number. */
import { format } from 'node:util';

export function invalidValue(value: unknown): TypeError {
  return new TypeError(`Value is not a valid number: ${format(value)}`);
}

export function invalidDelta(delta: unknown): TypeError {
  return new TypeError(`Delta is not a valid number: ${format(delta)}`);
}
