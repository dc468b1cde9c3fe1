/** Bun and Deno, whose programs npm has as packages: a worker of a cluster is killed and its counts stay, and threads end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { README } from '../guide/page.js';
import { type InstalledApp, sharedApp } from '../support/installed-app.js';
import { freePort, startProgram, until } from '../support/program.js';

/** Scrapes until the lines that a test looks at have the text that it expects: written files are up to 250 ms behind. */
const SCRAPE = `
async function scrape(server, expected) {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const text = await (await fetch(new URL('/metrics', server.url))).text();
    const lines = text.split('\\n').filter((line) => /^(jobs_total|busy|prom_multiproc_processes\\{state="(live|dead)"\\})/.test(line));
    if (lines.join() === expected || Date.now() > deadline) return lines.join();
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
`;

const COUNTED = [
  'jobs_total 10,busy 4,prom_multiproc_processes{state="live"} 2,prom_multiproc_processes{state="dead"} 0',
  'jobs_total 10,busy 2,prom_multiproc_processes{state="live"} 1,prom_multiproc_processes{state="dead"} 1',
] as const;

const CLUSTER = `${SCRAPE}
const cluster = require('node:cluster');
const { once } = require('node:events');
const { Counter, Gauge, register, setupPrimary, startHttpServer } = require('prom-multiproc');

async function main() {
  setupPrimary();
  const server = await startHttpServer({ port: 0 });
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  console.log(await scrape(server, '${COUNTED[0]}'));
  const exit = once(workers[0], 'exit');
  workers[0].process.kill('SIGKILL');
  await exit;
  console.log(await scrape(server, '${COUNTED[1]}'));
  console.log((await register.metrics()).includes('jobs_total 10'));
  process.exit();
}

if (cluster.isPrimary) {
  main();
} else {
  new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(5);
  new Gauge({ name: 'busy', help: 'Busy.' }).set(2);
  process.send('counted');
}
`;
const EXPECTED = [...COUNTED, 'true'];

const RUNTIMES = {
  Bun: { name: 'bun', version: '1.4.5', program: ['node_modules/bun/bin/bun.exe'] },
  Deno: { name: 'deno', version: '2.9.6', program: ['node_modules/deno/bin.cjs', 'run', '--allow-all'] },
};

const installed = sharedApp(Object.values(RUNTIMES).map(({ name, version }) => `${name}@${version}`));

const ENDED = [
  'jobs_total 15,prom_multiproc_processes{state="live"} 3,prom_multiproc_processes{state="dead"} 0',
  'jobs_total 15,prom_multiproc_processes{state="live"} 0,prom_multiproc_processes{state="dead"} 3',
] as const;

const THREADS = `${SCRAPE}
const { once } = require('node:events');
const { isMainThread, parentPort, Worker, workerData } = require('node:worker_threads');
const { Counter, startHttpServer } = require('prom-multiproc');

async function main() {
  const server = await startHttpServer({ port: 0 });
  const workers = ['end', 'exit', 'terminate'].map((workerData) => new Worker(__filename, { workerData }));
  const ended = workers.map((worker) => once(worker, 'exit'));
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  console.log(await scrape(server, '${ENDED[0]}'));
  for (const worker of workers) worker.postMessage('end');
  workers[2].terminate();
  await Promise.all(ended);
  // the system's thread ends a moment after the event
  console.log(await scrape(server, '${ENDED[1]}'));
  process.exit();
}

if (isMainThread) {
  main();
} else {
  new Counter({ name: 'jobs_total', help: 'Jobs.' }).inc(5);
  parentPort.once('message', () => {
    if (workerData === 'exit') process.exit();
    parentPort.close();
  });
  parentPort.postMessage('counted');
}
`;

test('threads that end, exit or are terminated under Bun are dead while their process lives, and their counts stay', async () => {
  const { program } = RUNTIMES.Bun;
  const app = await installed();
  app.write({ 'app.cjs': THREADS });
  const metrics = { PROMETHEUS_MULTIPROC_DIR: app.path('metrics') };
  const { end, output } = await app.run(app.path(...program), ['app.cjs'], metrics);
  assert.equal(end, 0, output);
  assert.deepEqual(output.trim().split('\n').slice(-2), ENDED);
});

/** Returns the command of a runtime that runs a file. */
function commandOf(app: InstalledApp, [path, ...args]: readonly string[]): [command: string, ...args: string[]] {
  // the launcher of Deno is a program of Node.js
  return path.endsWith('.cjs') ? [process.execPath, app.path(path), ...args] : [app.path(path), ...args];
}

for (const [runtime, { version, program }] of Object.entries(RUNTIMES)) {
  test(`${runtime} ${version} runs a cluster, and a worker killed by SIGKILL keeps its counts`, async () => {
    const app = await installed();
    app.write({ 'app.cjs': CLUSTER });
    const [command, ...args] = commandOf(app, program);
    const { end, output } = await app.run(command, [...args, 'app.cjs']);
    assert.equal(end, 0, output);
    assert.deepEqual(output.trim().split('\n').slice(-EXPECTED.length), EXPECTED, output);
  });

  test(`${runtime} ${version} runs the quick start of README, and keeps the counts of a worker killed by SIGKILL`, async (t) => {
    const [appPort, metricsPort] = [await freePort(), await freePort()];
    const [, quickStart] = README.blocks('Quick start: a cluster');
    const text = quickStart.text.replace('8080', String(appPort)).replace('9464', String(metricsPort));
    const app = await installed();
    app.write({ 'app.cjs': text });
    const [command, ...args] = commandOf(app, program);
    const { child } = startProgram(t, command, [...args, 'app.cjs'], { NODE_TEST_CONTEXT: undefined }, app.dir);
    const greeting = async (): Promise<string> => (await fetch(`http://127.0.0.1:${appPort}/`)).text();
    await until(() =>
      greeting().then(
        (answer) => answer === 'hello\n',
        () => false,
      ),
    );
    for (let asked = 1; asked < 8; asked++) assert.equal(await greeting(), 'hello\n');
    const shows = async (...lines: readonly string[]): Promise<boolean> => {
      const body = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      return lines.every((line) => body.includes(`\n${line}\n`));
    };
    await until(() => shows('http_requests_total{code="200"} 8', 'prom_multiproc_processes{state="live"} 4'));
    // the launcher of Deno has the primary as its only child
    const children = childrenOf(child.pid!);
    const primary = children.length === 1 ? children[0] : child.pid!;
    try {
      process.kill(childrenOf(primary)[0], 'SIGKILL');
      await until(() => shows('http_requests_total{code="200"} 8', 'prom_multiproc_processes{state="dead"} 1'));
    } finally {
      for (const pid of [...childrenOf(primary), primary]) process.kill(pid, 'SIGKILL');
    }
  });
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}
