/**
 * Runs one script with prom-client 15.1.3 and with this package, and compares what it says: the same expositions, objects
 * and errors, in the same order.
 */
import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import * as promClient from 'prom-client';
import * as promMultiproc from 'prom-multiproc';

export type Client = typeof promClient;

export interface Stage {
  readonly client: Client;
  /** A registry that nobody has used. */
  readonly registry: promClient.Registry;
  /** Notes a value to be compared. */
  say(value: unknown): void;
  /** Notes what a call answers with, or the class and message of what it throws or rejects with. */
  attempt(call: () => unknown): Promise<void>;
  /** Lets time pass, for `Date.now` and `process.hrtime`. */
  wait(seconds: number): void;
}

const START_MS = 1_700_000_000_000;

/** A test that the script says the same with both. */
export function sameAsPromClient(name: string, script: (stage: Stage) => Promise<void> | void): void {
  it(name, async () => {
    const theirs = await transcript(promClient, script);
    const ours = await transcript(promMultiproc, script);
    assert.ok(theirs.length > 0, 'the script says something');
    assert.deepEqual(ours, theirs);
  });
}

/** What the script says with one of them. */
export async function transcript(client: Client, script: (stage: Stage) => Promise<void> | void): Promise<unknown[]> {
  const said: unknown[] = [];
  let now = START_MS;
  const clocks = [
    mock.method(Date, 'now', () => now),
    mock.method(process, 'hrtime', (since: [number, number] = [0, 0]) => {
      const nanoseconds = BigInt(Math.round(now * 1e6)) - (BigInt(since[0]) * 1_000_000_000n + BigInt(since[1]));
      return [Number(nanoseconds / 1_000_000_000n), Number(nanoseconds % 1_000_000_000n)];
    }),
  ];
  client.register.clear();
  try {
    await script({
      client,
      registry: new client.Registry(),
      say: (value) => void said.push(plain(value)),
      attempt: async (call) => {
        try {
          said.push(plain(await call()));
        } catch (error) {
          const { constructor, message } = error as Error;
          // a difference: here the text goes on, with what differs
          const common = message.replace(/(has already been registered\.) .*$/, '$1');
          said.push(`${constructor.name}: ${common}`);
        }
      },
      wait: (seconds) => {
        now += seconds * 1000;
      },
    });
  } finally {
    for (const clock of clocks) clock.mock.restore();
    client.register.clear();
  }
  return said;
}

/**
 * A value as it can be compared: objects without their classes, properties that are undefined left out, and label values
 * as text (prom-client keeps 200 a number in its objects; its expositions are the same).
 */
function plain(value: unknown, key?: string): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const isLabels = key === 'labels' || key === 'labelSet' || key === 'sharedLabels';
  return Object.fromEntries(entries.map(([name, item]) => [name, isLabels ? String(item) : plain(item, name)]));
}
