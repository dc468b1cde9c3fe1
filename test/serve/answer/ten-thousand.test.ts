/** Ten thousand scrapes at once. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { HeldSource } from '../../support/fixed-source.js';
import { type ForkedProgram, forkProgram } from '../../support/forked-program.js';
import { until } from '../../support/program.js';
import { serving } from '../serving.js';
import type { Verdicts } from '../programs/crowd.js';

const CLIENTS = 10_000;
const PROCESSES = 4;

/** 10,000 clients at once, in processes of their own. */
class Crowd {
  private constructor(private readonly workers: readonly ForkedProgram[]) {}

  static async scraping(t: TestContext, port: number): Promise<Crowd> {
    const workers = Array.from({ length: PROCESSES }, () => forkProgram(t, 'serve/programs/crowd'));
    await Promise.all(workers.map((worker) => worker.ask({ port, clients: CLIENTS / PROCESSES })));
    return new Crowd(workers);
  }

  /** What became of them, once so many have their answer. */
  async verdicts(answered: number): Promise<Verdicts> {
    return until(async () => {
      const all = await Promise.all(this.workers.map((worker) => worker.ask<Verdicts>('verdicts')));
      const sum: Verdicts = {};
      for (const [verdict, clients] of all.flatMap(Object.entries)) sum[verdict] = (sum[verdict] ?? 0) + clients;
      return Object.values(sum).reduce((one, other) => one + other, 0) >= answered && sum;
    });
  }
}

test('10,000 scrapes at once are all answered where the limit allows them', async (t) => {
  const source = new HeldSource();
  const { port } = await serving(t, { source, inFlightLimit: Infinity });
  const crowd = await Crowd.scraping(t, port);
  // every one of them is under way before the first is answered
  await source.scraped(CLIENTS);
  source.answerAll('up 1\n'.repeat(1000));
  assert.deepEqual(await crowd.verdicts(CLIENTS), { 'HTTP/1.1 200 OK': CLIENTS });
});

test('of 10,000 scrapes at once those beyond the limit are told to come again', async (t) => {
  const source = new HeldSource();
  const { port, warnings } = await serving(t, { source, inFlightLimit: 40 });
  const crowd = await Crowd.scraping(t, port);
  const beyond = { 'HTTP/1.1 503 Service Unavailable': CLIENTS - 40 };
  assert.deepEqual(await crowd.verdicts(CLIENTS - 40), beyond);
  source.answerAll('up 1\n'.repeat(1000));
  assert.deepEqual(await crowd.verdicts(CLIENTS), { ...beyond, 'HTTP/1.1 200 OK': 40 });
  assert.equal(source.scrapes, 40);
  assert.deepEqual(warnings, []);
});
