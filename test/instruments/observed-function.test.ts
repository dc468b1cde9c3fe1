import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Counter, Gauge, Histogram, Summary } from 'prom-multiproc';

const registers: [] = [];

/** Stops `process.hrtime`; only the test advances it. */
function stoppedClock(t: { after(fn: () => void): void }): { pass(seconds: number): void } {
  let now = 0;
  const clock = mock.method(process, 'hrtime', ([seconds, nanoseconds] = [0, 0]) => {
    const since = now - seconds - nanoseconds / 1e9;
    return [Math.floor(since), Math.round((since % 1) * 1e9)];
  });
  t.after(() => clock.mock.restore());
  return { pass: (seconds) => void (now += seconds) };
}

async function valuesOf(metric: { get(): Promise<{ values: { value: number }[] }> }): Promise<number[]> {
  return (await metric.get()).values.map(({ value }) => value);
}

describe('time', () => {
  it('observes the seconds of every call, even of calls that throw', async (t) => {
    const clock = stoppedClock(t);
    const histogram = new Histogram({ name: 'a', help: 'A.', buckets: [1], registers });
    const work = histogram.time(function worked(this: { factor: number }, seconds: number) {
      clock.pass(seconds);
      if (seconds > 5) throw new RangeError('too long');
      return seconds * this.factor;
    });
    assert.equal(work.call({ factor: 3 }, 0.5), 1.5);
    assert.throws(() => work.call({ factor: 3 }, 6), RangeError);
    assert.equal(work.name, 'worked');
    assert.equal(work.length, 1);
    assert.deepEqual(await valuesOf(histogram), [1, 2, 6.5, 2]);
  });

  it('waits for promises that resolve or reject', async (t) => {
    const clock = stoppedClock(t);
    const summary = new Summary({ name: 'a', help: 'A.', percentiles: [], labelNames: ['job'], registers });
    const work = summary.labels('sync').time(async (fails: boolean) => {
      await Promise.resolve();
      clock.pass(2);
      if (fails) throw new Error('failed');
      return 'done';
    });
    assert.equal(await work(false), 'done');
    await assert.rejects(() => work(true), /failed/);
    assert.deepEqual(await valuesOf(summary), [4, 2]);
  });

  it('sets a gauge to the seconds of the last call', async (t) => {
    const clock = stoppedClock(t);
    const gauge = new Gauge({ name: 'a', help: 'A.', registers });
    const work = gauge.time((seconds: number) => clock.pass(seconds));
    work(3);
    work(1.25);
    assert.deepEqual(await valuesOf(gauge), [1.25]);
  });
});

describe('countExceptions', () => {
  it('counts errors and rethrows them', async () => {
    const counter = new Counter({ name: 'a', help: 'A.', registers });
    const fail = counter.countExceptions((error: unknown) => {
      throw error;
    });
    const error = new TypeError('no');
    assert.throws(
      () => fail(error),
      (thrown) => thrown === error,
    );
    assert.throws(() => fail('text'));
    assert.equal(counter.countExceptions((sum: number) => sum + 1)(2), 3);
    assert.deepEqual(await valuesOf(counter), [2]);
  });

  it('counts only errors of the given classes', async () => {
    const counter = new Counter({ name: 'a', help: 'A.', labelNames: ['of'], registers });
    const fail = async (thrown: unknown): Promise<never> => {
      throw thrown;
    };
    const counted = counter.labels('one').countExceptions(fail, { only: RangeError });
    const either = counter.labels('two').countExceptions(fail, { only: [RangeError, TypeError] });
    for (const error of [new RangeError(), new TypeError(), new Error(), 'text']) {
      await assert.rejects(() => counted(error));
      await assert.rejects(() => either(error));
    }
    assert.deepEqual(await valuesOf(counter), [1, 2]);
  });

  it('refuses values that are not classes', () => {
    const counter = new Counter({ name: 'a', help: 'A.', registers });
    assert.throws(() => counter.countExceptions(() => {}, { only: 'TypeError' as never }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: /only is a class or an array of classes, not 'TypeError'/,
    });
  });
});

describe('trackInProgress', () => {
  it('is higher while calls are in progress', async () => {
    const gauge = new Gauge({ name: 'a', help: 'A.', registers });
    const release: (() => void)[] = [];
    const work = gauge.trackInProgress(() => new Promise<void>((resolve) => release.push(resolve)));
    const calls = [work(), work()];
    assert.deepEqual(await valuesOf(gauge), [2]);
    release[0]();
    await calls[0];
    assert.deepEqual(await valuesOf(gauge), [1]);
    release[1]();
    await calls[1];
    assert.deepEqual(await valuesOf(gauge), [0]);
    const throwing = gauge.trackInProgress(() => {
      throw new Error('failed');
    });
    assert.throws(throwing);
    assert.deepEqual(await valuesOf(gauge), [0]);
  });
});

describe('Standard decorators', () => {
  it('wrap methods and fields, with or without options', async (t) => {
    const clock = stoppedClock(t);
    const took = new Histogram({ name: 'a', help: 'A.', buckets: [1], registers });
    const failed = new Counter({ name: 'b', help: 'B.', registers });
    const busy = new Gauge({ name: 'c', help: 'C.', labelNames: ['job'], registers });

    class Orders {
      readonly prefix = 'order ';

      @took.time()
      @failed.countExceptions({ only: RangeError })
      async process(id: number): Promise<string> {
        await Promise.resolve();
        clock.pass(2);
        if (id < 0) throw new RangeError('no such order');
        return this.prefix + id;
      }

      @(busy.labels('cancel').trackInProgress())
      cancel = async (id: number): Promise<string> =>
        `${this.prefix}${id}: ${(await valuesOf(busy)).join()} in progress`;
    }

    const orders = new Orders();
    assert.equal(await orders.process(7), 'order 7');
    await assert.rejects(() => orders.process(-1), RangeError);
    assert.equal(await orders.cancel(8), 'order 8: 1 in progress');
    assert.deepEqual(await valuesOf(took), [0, 2, 4, 2]);
    assert.deepEqual(await valuesOf(failed), [1]);
    assert.deepEqual(await valuesOf(busy), [0]);
  });

  it('refuse generators, whose calls return before their work begins', () => {
    const busy = new Gauge({ name: 'a', help: 'A.', registers });
    const wrap = (fn: () => unknown): unknown => busy.trackInProgress(fn);
    for (const generator of [function* () {}, async function* () {}]) {
      assert.throws(() => wrap(generator), { code: 'ERR_INVALID_ARGUMENT', message: /before its work begins/ });
    }
  });

  it('accept a method with the name class', () => {
    const busy = new Gauge({ name: 'a', help: 'A.', registers });
    const school = {
      class() {
        return 7;
      },
      class2: () => 8,
    };
    assert.equal(busy.trackInProgress(school.class)(), 7);
    assert.equal(busy.trackInProgress(school.class2)(), 8);
  });

  it('refuse classes and values', () => {
    const took = new Histogram({ name: 'a', help: 'A.', registers });
    class Job {
      readonly id = 1;
    }
    assert.throws(() => took.time(Job as never), /only functions and methods can be observed, not \[class Job\]/);
    assert.throws(() => took.time()(5 as never), /not 5/);
  });
});
