import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startProgram } from './program.js';

/**
 * An application in one file: a primary that serves the merged metrics and the status page, and two workers that count. It
 * prints what it served, and ends.
 */
export const APP = `
import cluster from 'node:cluster';
import { once } from 'node:events';
import { Counter, setupPrimary, startHttpServer } from 'prom-multiproc';

async function serve() {
  setupPrimary();
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(workers.map((worker) => once(worker, 'message')));
  const server = await startHttpServer({ port: 0 });
  const deadline = Date.now() + 10_000;
  let line;
  do {
    line = /^requests_total .*/m.exec(await (await fetch(server.url + '/metrics')).text())?.[0];
  } while (line !== 'requests_total 10' && Date.now() < deadline);
  console.log(line);
  for (const file of ['', '/page.css', '/page.mjs', '/uplot.js', '/uplot.css']) {
    console.log('/status' + file, (await fetch(server.url + '/status' + file)).status);
  }
  for (const worker of workers) worker.kill('SIGKILL');
  await server.close();
  process.exit();
}

const requests = new Counter({ name: 'requests_total', help: 'Requests.' });
if (cluster.isPrimary) void serve();
else {
  requests.inc(5);
  process.send('counted');
  setInterval(() => {}, 1000);
}
`;

/** esbuild does not give an ES module the `require` that packages in CommonJS call. */
export const ESM_BANNER = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);`;

const SERVED = `requests_total 10
/status 200
/status/page.css 200
/status/page.mjs 200
/status/uplot.js 200
/status/uplot.css 200
`;

/** Runs the application from a bundle. @returns the lines that it printed besides what it served */
export async function runBundle(t: TestContext, file: string): Promise<string[]> {
  const program = startProgram(t, process.execPath, [file], { NODE_OPTIONS: undefined });
  assert.equal(await program.ended(), 0, program.output());
  const lines = program.output().split('\n');
  const served = SERVED.split('\n');
  assert.deepEqual(
    lines.filter((line) => served.includes(line)),
    served,
    program.output(),
  );
  return lines.filter((line) => !served.includes(line));
}
