import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DIST, freePort, startProgram, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';

const ROOT = join(DIST, '..');

/** The code blocks of a section of README, by their language, in order. */
function blocks(heading: string): { readonly language: string; readonly text: string }[] {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].map(([, language, text]) => ({ language, text }));
}

function run(cwd: string, command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** Packs the package and installs it, as the README says, in an empty folder. */
function install(t: TestContext, command: string): string {
  const dir = withTempDir(t);
  const packed = run(ROOT, 'npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', dir]);
  const [{ filename }] = JSON.parse(packed) as { filename: string }[];
  const [npm, ...args] = command.trim().replace('prom-multiproc', `./${filename}`).split(' ');
  writeFileSync(join(dir, 'package.json'), '{}');
  run(dir, npm, [...args, '--prefer-offline', '--no-audit', '--no-fund']);
  return dir;
}

test('the quick start of a cluster, typed in as it stands, gives merged metrics', { timeout: 60_000 }, async (t) => {
  const [installation, app, commands] = blocks('Quick start: a cluster');
  const dir = install(t, installation.text);
  const [appPort, metricsPort] = [String(await freePort()), String(await freePort())];
  const withPorts = (text: string): string => text.replaceAll('8080', appPort).replaceAll('9464', metricsPort);
  writeFileSync(join(dir, 'app.js'), withPorts(app.text));
  const [start, ask, scrape] = withPorts(commands.text).trim().split('\n');
  const [program, ...args] = start.replace(/ &$/, '').split(' ');
  const running = startProgram(t, program, args, { PROMETHEUS_MULTIPROC_DIR: undefined }, dir);
  // whoever types waits a moment; more requests than workers, so that several of them count
  await until(() => spawnSync('sh', ['-c', ask], { encoding: 'utf8' }).stdout === 'hello\n');
  for (let i = 1; i < 8; i++) assert.equal(run(dir, 'sh', ['-c', ask]), 'hello\n');
  const body = await until(() => {
    const text = run(dir, 'sh', ['-c', scrape]);
    return text.includes('http_requests_total{code="200"} 8\n') && text;
  });
  assert.match(body, /^# TYPE http_requests_total counter$/m);
  running.child.kill('SIGTERM');
  await running.ended();
});
