/** Apps under PM2 that count in worker threads. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { native } from '../../../src/metrics-file/mapping.js';
import { valueOf } from '../../support/exposition-parser.js';
import { eventually, Pm2 } from '../../support/pm2.js';
import { freePort } from '../../support/program.js';
import { scrapeEach, visit } from './customers.js';

const ROUNDS = 5;
const isMapped = native() !== undefined;
/** Without a mapping, terminate() loses the counts that a thread has not written. */
const PLACES_SHOWN = isMapped ? ['main', 'pool', 'thread'] : ['main', 'pool'];

const pm2 = new Pm2();
after(() => pm2.end());

for (const exec_mode of ['cluster', 'fork'] as const) {
  test(`in ${exec_mode} mode the threads of all instances count, also after they and their instances have ended`, async () => {
    const first = await freePort(2);
    const ports = exec_mode === 'fork' ? [first, first + 1] : [first];
    const name = `bakery-${exec_mode}`;
    const increment_var = exec_mode === 'fork' ? 'PORT' : undefined;
    const script = join(__dirname, 'programs/bakery.js');
    await pm2.start({ name, script, exec_mode, instances: 2, increment_var, env: { PORT: String(first) } });

    const expectLoaves = async (each: number): Promise<void> => {
      const pids = await eventually('two instances', () => pm2.pids(name).length === 2 && pm2.pids(name));
      const shown = async (): Promise<(number | undefined)[]> =>
        (await scrapeEach(pids, ports)).flatMap((text) =>
          PLACES_SHOWN.map((where) => valueOf(text, 'loaves_total', { where })),
        );
      // a file without a mapping shows counts of other threads when it is written
      if (!isMapped) {
        await eventually('the loaves of all threads', async () => (await shown()).every((loaves) => loaves === each));
      }
      assert.deepEqual(
        await shown(),
        pids.flatMap(() => PLACES_SHOWN.map(() => each)),
      );
    };
    const bakeRounds = async (): Promise<void> => {
      for (let round = 0; round < ROUNDS; round++) {
        for (const place of ['main', 'pool', 'thread']) {
          assert.equal((await visit(ports[round % ports.length], `/${place}`)).text, 'done\n');
        }
      }
    };

    await eventually('listeners', () => Promise.all(ports.map((port) => visit(port, '/metrics'))).catch(() => false));
    await bakeRounds();
    await expectLoaves(ROUNDS);
    for (const port of ports) await visit(port, '/recycle');
    await expectLoaves(ROUNDS);
    await bakeRounds();
    await expectLoaves(2 * ROUNDS);

    const old = pm2.pids(name);
    process.kill(old[0], 'SIGKILL');
    await pm2.run(['reload', name]);
    await eventually(
      'new instances',
      () => pm2.pids(name).length === 2 && !pm2.pids(name).some((pid) => old.includes(pid)),
    );
    await expectLoaves(2 * ROUNDS);
  });
}
