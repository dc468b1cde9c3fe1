/** A newcomer's path: README's quick starts, typed in as they stand in an empty folder, against the packed package. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { MultiprocessCollector } from 'prom-multiproc';
import { eventually, Pm2 } from '../support/pm2.js';
import { DIST, freePort, startProgram, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { README } from './page.js';

const ROOT = join(DIST, '..');

/** Packed and installed once, as in README: both quick starts begin with it. */
const project = mkdtempSync(join(tmpdir(), 'prom-multiproc-quick-start-'));
const [installation, clusterApp, clusterCommands] = README.blocks('Quick start: a cluster');
const [pm2App, pm2Commands] = README.blocks('Quick start: PM2');

before(() => {
  const packed = run(ROOT, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', project]);
  const [{ filename }] = JSON.parse(packed) as { filename: string }[];
  const [npm, ...args] = installation.text.trim().replace('prom-multiproc', `./${filename}`).split(' ');
  writeFileSync(join(project, 'package.json'), '{}');
  run(project, npm, [...args, '--prefer-offline', '--no-audit', '--no-fund']);
});
after(() => rmSync(project, { recursive: true, force: true, maxRetries: 3 }));

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** A folder of the project, where its `node_modules` is found, with the app in it. */
function folderWith(name: string, app: string): string {
  const dir = join(project, name);
  mkdirSync(dir);
  writeFileSync(join(dir, 'app.js'), app);
  return dir;
}

/** What a shell prints for the command; nothing where it fails. */
function typed(command: string): string {
  return spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout;
}

test('the quick start of a cluster, typed in as it stands, gives merged metrics', { timeout: 60_000 }, async (t) => {
  const [appPort, metricsPort] = [String(await freePort()), String(await freePort())];
  const withPorts = (text: string): string => text.replaceAll('8080', appPort).replaceAll('9464', metricsPort);
  const dir = folderWith('cluster', withPorts(clusterApp.text));
  const [start, ask, scrape] = withPorts(clusterCommands.text).trim().split('\n');
  const [program, ...args] = start.replace(/ &$/, '').split(' ');
  const running = startProgram(t, program, args, { PROMETHEUS_MULTIPROC_DIR: undefined }, dir);
  // whoever types waits a moment; more requests than workers, so that several of them count
  await until(() => typed(ask) === 'hello\n');
  for (let i = 1; i < 8; i++) assert.equal(run(dir, 'sh', ['-c', ask]), 'hello\n');
  const body = await until(() => {
    const text = run(dir, 'sh', ['-c', scrape]);
    return text.includes('http_requests_total{code="200"} 8\n') && text;
  });
  assert.match(body, /^# TYPE http_requests_total counter$/m);
  running.child.kill('SIGTERM');
  await running.ended();
});

test('the quick start of PM2, typed in as it stands, gives merged metrics from any instance', async (t) => {
  const pm2 = new Pm2();
  t.after(() => pm2.end());
  const port = String(await freePort());
  const withPort = (text: string): string => text.replaceAll('8080', port);
  const dir = folderWith('pm2', withPort(pm2App.text));
  const [start, ask, scrape] = withPort(pm2Commands.text).trim().split('\n');
  const [program, ...args] = start.split(' ');
  assert.equal(program, 'pm2');
  const instances = Number(args.at(-1));
  assert.ok(instances > 1, start);
  const metrics = pm2.directoryOf({ name: 'app', script: join(dir, 'app.js') });

  await pm2.run(args, {}, dir);
  await eventually('a greeting', () => typed(ask) === 'hello\n');
  await eventually('all instances', () => typed(scrape).includes(`processes{state="live"} ${instances}\n`));
  let asked = 1;
  for (; asked < 2 * instances; asked++) assert.equal(typed(ask), 'hello\n');
  await eventually('the counts', () => typed(scrape).includes(`\nhttp_requests_total ${asked}\n`));
  // instances take turns, so that these answers are from several of them
  for (let scrapes = 0; scrapes < instances; scrapes++) {
    assert.match(typed(scrape), new RegExp(`^http_requests_total ${asked}$`, 'm'));
  }

  const counts = await countsByFile(metrics, withTempDir(t));
  assert.equal(counts.length, instances);
  assert.ok(counts.filter((count) => count > 0).length > 1, `only one instance counted: ${counts.join(', ')}`);
  assert.equal(
    counts.reduce((sum, count) => sum + count),
    asked,
  );
});

/** What each process of a directory has counted for itself: each file looked at in a directory of its own. */
async function countsByFile(metrics: string, scratch: string): Promise<number[]> {
  const files = readdirSync(metrics).filter((name) => name.endsWith('.prom-mp'));
  return Promise.all(
    files.map(async (name) => {
      const dir = join(scratch, name);
      mkdirSync(dir);
      copyFileSync(join(metrics, name), join(dir, name));
      const collector = new MultiprocessCollector({ dir, threads: false });
      const families = await collector.families();
      await collector.close();
      return families.find((family) => family.name === 'http_requests_total')!.samples[0].value;
    }),
  );
}
