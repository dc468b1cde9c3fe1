/** Other processes see all changes of a `collect()` or none, also when its process is killed during it. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { scrape, startCluster } from '../support/cluster.js';
import { parseExposition } from '../support/exposition-parser.js';
import { forkProgram } from '../support/forked-program.js';
import { until } from '../support/program.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { fileKinds } from '../support/written-file.js';

for (const kind of fileKinds()) {
  test(`${kind}: no reader sees the middle of another process's collect(), and none is left after a SIGKILL`, async (t) => {
    const dir = withTempDir(t);
    const reading = new Reading(dir);
    const lives = kind === 'mapped' ? 3 : 2;
    let counted = 0;
    let reads = 0;
    const roomsSeen = new Set<unknown>();
    const look = (dead: number, living: number): void => {
      const values = reading.values();
      const workers = dead + living;
      const sum = (values['rooms{name="first"}'] ?? NaN) + (values['rooms{name="second"}'] ?? NaN);
      assert.equal(sum, 10 * workers, JSON.stringify(values));
      assert.equal(values['floors{floor="ground"}'], 7 * workers, JSON.stringify(values));
      assert.equal(values.level, 5 * workers, JSON.stringify(values));
      assert.equal(values['failing{name="a"}'], workers, JSON.stringify(values));
      assert.equal(values['hanging{name="a"}'], workers, JSON.stringify(values));
      assert.equal(values.imported_total, 42 * workers, JSON.stringify(values));
      assert.ok(values.jobs_total >= counted, JSON.stringify(values));
      roomsSeen.add(values['rooms{name="first"}']);
      reads++;
    };
    for (let life = 0; life < lives; life++) {
      const mapping = kind === 'mapped' ? {} : { PROM_MULTIPROC_NO_MMAP: '1' };
      const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, ...mapping };
      const worker = forkProgram(t, 'e2e/programs/collecting', [], { env });
      await worker.nextMessage();
      let told = 0;
      worker.process.on('message', (count: number) => (told = count));
      // a file that is written on a timer is one flush behind
      await until(() => reading.values().imported_total === 42 * (life + 1));
      for (const end = Date.now() + 700; Date.now() < end || reads <= 60 * (life + 1);) {
        look(life, 1);
        await new Promise(setImmediate);
      }
      await worker.kill();
      if (kind === 'mapped') counted += told;
      look(life + 1, 0);
      foldDirectory(dir);
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.endsWith('.prom-mp')),
        [],
      );
      look(life + 1, 0);
    }
    assert.ok(reads > 100 && roomsSeen.size > 5, `${reads} reads, ${roomsSeen.size} different values`);
    reading.close();
  });
}

test('a callback that has not ended after 5 seconds holds back its own metric only, in every scrape', async (t) => {
  const { primary, workers } = await startCluster(t, withTempDir(t), 1);
  await workers[0].run(async ({ prom }) => {
    let hangs = false;
    let fills = 0;
    new prom.Gauge({
      name: 'hanging',
      help: 'The second call never ends',
      collect() {
        this.set(hangs ? 77 : 1);
        return hangs ? new Promise<void>(() => {}) : undefined;
      },
    });
    new prom.Gauge({
      name: 'fills',
      help: 'Calls',
      collect() {
        this.set(++fills);
      },
    });
    await prom.register.metrics({ scope: 'process' });
    hangs = true;
  });
  const valuesIn = (text: string): (number | undefined)[] => {
    return ['hanging', 'fills'].map(
      (name) => parseExposition(text).samples.find((sample) => sample.name === name)?.value,
    );
  };
  const [, before] = valuesIn(await scrape(primary));
  const began = Date.now();
  await workers[0].run(async ({ prom }) => void (await prom.register.metrics({ scope: 'process' })));
  // less than 5 s if the callback already ran in the background
  assert.ok(Date.now() - began < 15_000, `the scrape of the worker took ${Date.now() - began} ms`);
  const [hanging, after] = valuesIn(await scrape(primary));
  assert.equal(hanging, 1, 'the unfinished value is not shown');
  assert.ok(after! > before!, `${after} after ${before}`);
});
