import type { LivenessMethod, ProcessIdentity } from './layout.js';
import { unpack } from './unpack.js';

/**
 * Decodes the identity in a file's header, one msgpack map, from bytes that anybody may have written. Ignores fields that a
 * newer minor version adds.
 *
 * @throws {TypeError} with the name of the invalid field
 */
export function decodeIdentity(bytes: Uint8Array): ProcessIdentity {
  const map: unknown = unpack(bytes);
  if (typeof map !== 'object' || map === null || Array.isArray(map)) {
    throw new TypeError('it is not a plain msgpack map');
  }
  const fields = map as Record<string, unknown>;
  const identity: Partial<Record<keyof ProcessIdentity, unknown>> = {};
  for (const [name, isValid] of Object.entries(RULES) as [keyof ProcessIdentity, Rule][]) {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (!isValid(value)) throw new TypeError(`its ${name} is missing or impossible`);
    identity[name] = value;
  }
  return identity as ProcessIdentity;
}

type Rule = (value: unknown) => boolean;

function integer(minimum: number, maximum: number): Rule {
  return (value) => Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
}

function text(pattern: RegExp): Rule {
  return (value) => typeof value === 'string' && pattern.test(value);
}

const seconds: Rule = (value) => typeof value === 'number' && value >= 0 && value < 1e12;
const METHODS: readonly unknown[] = ['flock', 'heartbeat'] satisfies LivenessMethod[];

/** kill(2) takes a signed 32-bit pid, and a number below 1 addresses a group of processes. */
const RULES: Record<keyof ProcessIdentity, Rule> = {
  pid: integer(1, 2 ** 31 - 1),
  threadId: integer(0, 2 ** 32 - 1),
  osThread: text(/^(\d{1,10}:\d{1,20})?$/),
  startTime: text(/^\d{0,20}$/),
  bootId: text(/^[0-9a-f-]{0,64}$/),
  pidNamespace: text(/^(pid:\[\d{1,20}\])?$/),
  hostName: text(/^[^]{0,256}$/),
  id: text(/^[0-9a-f]{16}$/),
  startedAt: seconds,
  createdAt: seconds,
  liveness: (value) => METHODS.includes(value),
};
