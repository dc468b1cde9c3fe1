/**
 * Runs one script with prom-client 15.1.3 and with this package, and compares the records: the same expositions, objects and
 * errors, in the same order.
 */
import assert from 'node:assert/strict';
import { it, mock } from 'node:test';
import * as promClient from 'prom-client';
import * as promMultiproc from 'prom-multiproc';

export type Client = typeof promClient;

export interface Stage {
  readonly client: Client;
  /** A new registry. */
  readonly registry: promClient.Registry;
  /** Records a value for the comparison. */
  record(value: unknown): void;
  /** Records the result of a call, or the class and message of its error. */
  attempt(call: () => unknown): Promise<void>;
  /** Advances the time of `Date.now` and `process.hrtime`. */
  wait(seconds: number): void;
}

const START_MS = 1_700_000_000_000;

/** Defines a test that the script has the same records with both packages. */
export function sameAsPromClient(name: string, script: (stage: Stage) => Promise<void> | void): void {
  it(name, async () => {
    const theirs = await transcript(promClient, script);
    const ours = await transcript(promMultiproc, script);
    assert.ok(theirs.length > 0, 'the script records something');
    assert.deepEqual(ours, theirs);
  });
}

/** Returns the records of the script with one of the packages. */
export async function transcript(client: Client, script: (stage: Stage) => Promise<void> | void): Promise<unknown[]> {
  const records: unknown[] = [];
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
      record: (value) => void records.push(plain(value)),
      attempt: async (call) => {
        try {
          records.push(plain(await call()));
        } catch (error) {
          const { constructor, message } = error as Error;
          // a difference: our text continues with the difference between the metrics
          const common = message.replace(/(has already been registered\.) .*$/, '$1');
          records.push(`${constructor.name}: ${common}`);
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
  return records;
}

/**
 * Returns a value for the comparison: objects without their classes and undefined properties, and label values as strings
 * (prom-client keeps 200 as a number in its objects; its expositions are the same).
 */
function plain(value: unknown, key?: string): unknown {
  if (Array.isArray(value)) return value.map((item) => plain(item));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  const isLabels = key === 'labels' || key === 'labelSet' || key === 'sharedLabels';
  return Object.fromEntries(entries.map(([name, item]) => [name, isLabels ? String(item) : plain(item, name)]));
}
