import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import type { CollectRun } from '../../src/storage/collect-updates.js';
import type { Series, SeriesFamily } from '../../src/storage/series.js';
import { SeriesStore } from '../../src/storage/series-store.js';
import { Random } from '../fuzz/random.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { Reading, valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter, gauge } from '../support/declarations.js';
import { addTo, attach, createFile, createWriter, fileKinds, setGauge } from '../support/written-file.js';
import type { Moved, Order } from './programs/moving.js';

const SERIES = 3000;

for (const kind of fileKinds()) {
  for (const from of ['memory', kind] as const) {
    test(`${from} to ${kind}: while a store moves, series come, go and count, and collect() runs; all is there at the end`, (t) => {
      const store = from === 'memory' ? new SeriesStore() : createFile(withTempDir(t), { kind }).store;
      const dir = withTempDir(t);
      const random = new Random(11);
      const families = ['first_total', 'second_total'].map((name) => store.declare(counter(name, ['id']), ['default']));
      const gauges = ['one', 'two'].map((name) => store.declare(gauge(name, 'sum', ['id']), ['default']));
      const truth = new Map<string, { series: Series; value: number }>();
      const keyOf = ({ family, labelValues }: Series): string =>
        `${family.declaration.name}{id="${String(labelValues[0])}"}`;
      let id = 0;
      const come = (family: SeriesFamily): void => {
        const series = attach(store, family, [`s${id++}`]);
        if (gauges.includes(family)) setGauge(series, id);
        else addTo(series, id);
        truth.set(keyOf(series), { series, value: id });
      };
      const change = (): void => {
        const keys = [...truth.keys()];
        const { series, value } = truth.get(keys[random.below(keys.length)])!;
        if (random.below(3) === 0) {
          store.detach(series);
          truth.delete(keyOf(series));
        } else if (gauges.includes(series.family)) {
          setGauge(series, value + 1);
          truth.set(keyOf(series), { series, value: value + 1 });
        } else {
          addTo(series, 5);
          if (random.below(2) === 0) store.attachTo(series, { kind: 'exemplar', slotOffset: 0 });
          truth.set(keyOf(series), { series, value: value + 5 });
        }
      };
      while (id < SERIES) come([...families, ...gauges][id % 4]);
      // one begins before the move, and others meanwhile
      const runs: CollectRun[] = [store.beginCollect(gauges[0])];
      change();

      const target = createWriter(dir, { kind });
      let [turns, moved] = [0, 0];
      for (const _ of store.moveInSteps(target)) {
        if (++moved % 64 > 0) continue;
        turns++;
        for (let at = 0; at < 20; at++) change();
        for (const family of [...families, ...gauges]) come(family);
        if (turns % 7 === 3) runs.push(store.beginCollect(gauges[turns % 2]));
        if (turns % 7 === 6) runs.shift()?.end(true);
      }
      for (const run of runs) run.end(true);
      target.flush();

      assert.ok(turns > 10, `${turns} pauses`);
      const reading = new Reading(dir);
      t.after(() => reading.close());
      const expected = (): object => Object.fromEntries([...truth].map(([key, { value }]) => [key, value]));
      assert.deepEqual(reading.values(), expected());
      assert.equal(store.status.liveSeries, truth.size);
      // and goes on as any other
      for (let at = 0; at < 200; at++) change();
      store.settle();
      target.flush();
      assert.deepEqual(reading.values(), expected());
      const { ok, problems } = checkFile(target.bytes.path);
      assert.ok(ok, JSON.stringify(problems));
    });
  }
}

type Origin = 'memory' | 'a deleted file' | 'another directory';

/** An application that has filled its store, and has a reason to move. */
async function startMoving(
  t: TestContext,
  origin: Origin,
): Promise<{
  dir: string;
  former: string;
  series: number;
  files(place?: string): string[];
  tell(order: Order): Promise<Moved>;
  application: ForkedProgram;
}> {
  const [dir, former] = [withTempDir(t), withTempDir(t)];
  const from = { memory: undefined, 'a deleted file': dir, 'another directory': former }[origin];
  const application = forkProgram(t, 'storage/programs/moving', [origin === 'a deleted file' ? '' : dir], {
    env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: from },
  });
  const files = (place = dir): string[] => readdirSync(place).filter((name) => /^[^.].*\.prom-mp$/.test(name));
  const tell = (order: Order): Promise<Moved> => application.ask<Moved>(order);
  const { series } = await tell('fill');
  if (origin === 'a deleted file') rmSync(join(dir, files()[0]));
  return { dir, former, series, files, tell, application };
}

for (const origin of ['memory', 'a deleted file', 'another directory'] as const) {
  test(`a large store moves from ${origin} on many turns of the event loop, and what is counted meanwhile moves too`, async (t) => {
    const { dir, former, files, tell } = await startMoving(t, origin);
    const { turns, counted, series } = await tell('move to the end');
    assert.ok(turns > 3, `${turns} turns`);
    assert.deepEqual([files().length, files(former).length], [1, 0]);
    const values = Object.entries(valuesIn(dir));
    assert.equal(values.length, series);
    const total = values.reduce((sum, [, value]) => sum + value, 0);
    assert.equal(total, series + counted);
  });

  test(`where the new file cannot get its name, a store stays in ${origin}, and moves later`, async (t) => {
    const { dir, former, series, tell } = await startMoving(t, origin);
    await tell('fail to name the file');
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.includes('.prom-mp')),
      [],
    );
    if (origin === 'another directory') assert.equal(Object.keys(valuesIn(former)).length, series);
    const moved = await tell('move to the end');
    const total = Object.values(valuesIn(dir)).reduce((sum, value) => sum + value, 0);
    assert.equal(total, moved.series + moved.counted);
  });

  test(`a process that ends while it moves from ${origin} ends the move first`, async (t) => {
    const { dir, files, former, series, application } = await startMoving(t, origin);
    application.process.send('move half, and exit' satisfies Order);
    assert.equal(await application.ended, 0);
    assert.equal(Object.keys(valuesIn(dir)).length, series);
    assert.deepEqual(files(former), []);
  });
}
