/** Targets that keep the last text, pushed to by an interval. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { PushOptions } from 'prom-multiproc/push';
import { linesOf, startCluster } from '../support/cluster.js';
import { ask } from '../support/http-request.js';
import { needs } from '../support/needs.js';
import { freePort, startProgram, until } from '../support/program.js';
import { pushFrom, recordOf } from '../support/push-leader.js';
import { withTempDir } from '../support/temp-dir.js';

interface Place {
  readonly options: PushOptions;
  /** The text that it has, without what it adds itself. */
  readonly read: () => Promise<string>;
}

async function startGateway(t: TestContext): Promise<Place> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // Debian's keeps its groups in a file of the system
  startProgram(t, 'prometheus-pushgateway', [`--web.listen-address=127.0.0.1:${port}`, '--persistence.file=']);
  await until(() =>
    ask(`${url}/-/ready`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  );
  const read = async (): Promise<string> => (await ask(`${url}/metrics`)).text.replaceAll('instance="",', '');
  return { options: { pushgateway: { url, jobName: 'nightly' } }, read };
}

function textfile(t: TestContext): Promise<Place> {
  const path = join(withTempDir(t), 'app.prom');
  return Promise.resolve({ options: { textfile: { path } }, read: async () => readFileSync(path, 'utf8') });
}

for (const [name, place, labels] of [
  ['a group of a Pushgateway', startGateway, '{job="nightly",zone="b"}'],
  ['a file of node_exporter', textfile, '{zone="b"}'],
] as const) {
  const needed = place === startGateway ? needs('pushgateway') : {};
  test(`${name} has by each interval what all workers count, also after a SIGKILL, and keeps it`, needed, async (t) => {
    const { options, read } = await place(t);
    const dir = withTempDir(t);
    const { workers } = await startCluster(t, dir, 2);
    const count = async (members: typeof workers): Promise<void> => {
      for (const member of members) {
        await member.run(({ prom, kept }) => {
          kept.jobs ??= new prom.Counter({ name: 'jobs_total', help: 'Jobs.' });
          kept.jobs.inc();
        });
      }
    };
    const shows = (jobs: number): Promise<unknown> =>
      until(async () => linesOf(await read().catch(() => ''), 'jobs_total')[0] === `jobs_total${labels} ${jobs}`);
    await count(workers);
    await pushFrom(workers, { ...options, labels: { zone: 'b' }, intervalMs: 100 });
    await shows(2);
    await count(workers);
    await shows(4);
    const leader = workers.find(({ pid }) => pid === recordOf(dir)!.pid)!;
    const other = workers.find((worker) => worker !== leader)!;
    await leader.kill();
    await count([other]);
    await shows(5);
    await other.run(({ kept }) => kept.push.close());
    await shows(5);
  });
}
