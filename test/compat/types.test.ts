import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type * as promClient from 'prom-client';
import * as promMultiproc from 'prom-multiproc';

/** Compiling is the test: a library with prom-client's types accepts these. */
const client: typeof promClient = promMultiproc;
const registry: promClient.Registry = promMultiproc.register;

describe('The types of prom-client', () => {
  it('fit all exports of this package', async () => {
    const counter: promClient.Counter<'x'> = new client.Counter({ name: 'a', help: 'A.', labelNames: ['x'] });
    counter.labels({ x: 1 }).inc();
    assert.match(await registry.metrics(), /^a\{x="1"\} 1$/m);
    registry.clear();
  });

  it('are extended without conflicts', async () => {
    const { Counter, Gauge, Histogram, Registry } = promMultiproc;
    const own = new Registry(Registry.OPENMETRICS_CONTENT_TYPE, { name: 'own' });
    const settings = { help: 'A.', registers: [own], labelNames: ['x', 'y'] as const };
    const counter = new Counter({ name: 'a_total', ...settings });
    counter.inc({ x: 'a', y: 2 });
    // @ts-expect-error a label that was not declared
    assert.throws(() => counter.inc({ z: 1 }));
    const gauge = new Gauge({ name: 'b', multiprocessMode: 'max', ...settings });
    const child: promMultiproc.Gauge.Internal<'x' | 'y'> = gauge.labels('a', 'b');
    child.set(1);
    // @ts-expect-error a mode that there is not
    assert.throws(() => new Gauge({ name: 'c', multiprocessMode: 'avg', ...settings }));
    const buckets: promMultiproc.Histogram.Config = { buckets: [1] };
    const end: () => number = new Histogram({ name: 'd', ...settings, ...buckets }).startTimer({ x: 'a' });
    assert.equal(typeof end(), 'number');
    const text: string = await own.metrics({ scope: 'process' });
    assert.match(text, /^b\{x="a",y="b"\} 1$/m);
    own.clear();
  });
});
