/** The command with its arguments as a user types them: output, exit status, and errors. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { isAbsolute, join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { writeBareFile } from '../support/bare-file.js';
import { dataFiles } from '../support/cluster-files.js';
import { addDead, DeadProcess } from '../support/dead-process.js';
import { ask } from '../support/http-request.js';
import { DIST, freePort, startCli, until } from '../support/program.js';
import { pythonFile, pythonKey } from '../support/python-file.js';
import { withTempDir } from '../support/temp-dir.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile } from '../support/written-file.js';

const MAIN = join(DIST, 'src', 'cli', 'main.js');

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs it to its end, on pipes. */
function cli(...args: string[]): Outcome {
  const env = { ...process.env, FORCE_COLOR: undefined, PROMETHEUS_MULTIPROC_DIR: undefined };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env });
  return { status, stdout, stderr };
}

/** A line of bash in which "$@" is the command; its exit code, and all that it prints on either stream. */
function shell(line: string, ...args: string[]): { output: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync('bash', ['-c', line, 'bash', process.execPath, MAIN, ...args], {
    encoding: 'utf8',
  });
  return { output: stdout + stderr, status };
}

// oxlint-disable-next-line no-control-regex -- that is what nothing may print
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

/** Two processes that have counted and ended. */
function twoDead(dir: string): readonly DeadProcess[] {
  return [3, 4].map((count) =>
    new DeadProcess(dir).count('jobs_total', { queue: 'mail' }, count).count('orders_total', {}, 1).die(),
  );
}

test('commands that look leave the files of the dead as they are, however many there are', (t) => {
  const dir = withTempDir(t);
  addDead(dir, 40);
  const before = dataFiles(dir);
  for (const command of [['ps'], ['dump'], ['check'], ['top', '--count', '2', '--interval', '0.1']]) {
    assert.equal(cli(...command, '--dir', dir).status, 0, command.join(' '));
  }
  assert.deepEqual(dataFiles(dir), before);
});

test('ps lists the processes with their series, and as JSON', (t) => {
  const dir = withTempDir(t);
  const dead = twoDead(dir);
  const { status, stdout, stderr } = cli('ps', '--dir', dir);
  assert.equal(status, 0);
  assert.equal(stderr, '');
  const [head, ...rows] = stdout.trimEnd().split('\n');
  assert.deepEqual(head.trim().split(/ {2,}/), [
    'PID',
    'THREAD',
    'STATE',
    'AGE',
    'SERIES',
    'SIZE',
    'LAST BEAT',
    'HOST',
    'KIND',
  ]);
  assert.equal(rows.length, 2);
  for (const { identity } of dead) assert.ok(rows.some((row) => row.includes(String(identity.pid))));
  const json = JSON.parse(cli('ps', '--dir', dir, '--json').stdout) as { pid: number; state: string; series: number }[];
  assert.deepEqual(
    json.map(({ pid, state, series }) => [pid, state, series]).toSorted((a, b) => Number(a[0]) - Number(b[0])),
    dead.map(({ identity }) => [identity.pid, 'dead', 2]),
  );
});

test("ps, top, check and dump have client_python's files too, each with its kind", (t) => {
  const dir = withTempDir(t);
  writeFileSync(
    join(dir, 'counter_4194304.db'),
    pythonFile([{ key: pythonKey('jobs', 'jobs_total'), value: 3 }], true),
  );
  new DeadProcess(dir).count('orders_total', {}, 1).die();
  assert.match(cli('ps', '--dir', dir).stdout, /^4194304 .*\bpython$/m);
  const top = ['top', '--dir', dir, '--count', '1', '--interval', '0.01'];
  assert.match(cli(...top).stdout, /^\W*4194304 .*\bpython$/m);
  const [look] = cli(...top, '--json').stdout.split('\n');
  const kinds = JSON.parse(look).processes.map(({ kind }: { kind: string }) => kind);
  assert.deepEqual(kinds.toSorted(), ['node', 'python']);
  assert.match(cli('dump', '--dir', dir).stdout, /^jobs_total 3$/m);
  assert.match(cli('check', '--dir', dir).stdout, /counter_4194304\.db: ok/);
  writeFileSync(join(dir, 'gauge_max_4194304.db'), 'no numbers');
  const bad = cli('check', '--dir', dir);
  assert.match(bad.stdout, /gauge_max_4194304\.db: BAD/);
  assert.equal(bad.status, 1);
});

test('dump prints the buckets of native histograms as comments, in order', (t) => {
  const dir = withTempDir(t);
  const process = new DeadProcess(dir);
  const native = { schema: 0, zeroThreshold: 2 ** -10, maxBuckets: 0 };
  process.declare({ name: 'size', help: 'h', type: 'histogram', labelNames: ['at'], bounds: [], native });
  for (const value of [0, 3, 4, 5, -1.5]) process.observe('size', [], value, { at: 'x' });
  process.die();
  const text = cli('dump', '--dir', dir).stdout;
  const comments = text.slice(text.indexOf('\n# native'));
  assert.equal(
    comments,
    `
# native size{at="x"} 5 in buckets of schema 0
#   -2.000 to -1.000: 1
#   -0.0009766 to 0.0009766: 1
#   2.000 to 4.000: 2
#   4.000 to 8.000: 1
`,
  );
  assert.doesNotMatch(cli('dump', '--dir', dir, '--format', 'openmetrics').stdout, /# native/);
});

test('dump prints the merged metrics, those that were asked for, in the format that was asked for', (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  const jobs = '# HELP jobs_total h\n# TYPE jobs_total counter\njobs_total{queue="mail"} 7\n';
  const orders = '# HELP orders_total h\n# TYPE orders_total counter\norders_total 2\n';
  assert.deepEqual(cli('dump', '--dir', dir), { status: 0, stdout: `${jobs}\n${orders}`, stderr: '' });
  assert.equal(cli('dump', '--dir', dir, 'jobs_*').stdout, jobs);
  assert.equal(cli('dump', '--dir', dir, 'j.bs_total').stdout, '');
  assert.equal(cli('dump', '--dir', dir, 'nothing_*').status, 1);
  const openMetrics = cli('dump', '--dir', dir, '--format', 'openmetrics', 'jobs_total').stdout;
  assert.equal(openMetrics, '# HELP jobs h\n# TYPE jobs counter\njobs_total{queue="mail"} 7\n# EOF\n');
  const created = cli('dump', '--dir', dir, '--format', 'openmetrics', '--created', 'jobs_total').stdout;
  assert.match(created, /^jobs_created\{queue="mail"\} [\d.e+]+$/m);
  const [family] = JSON.parse(cli('dump', '--dir', dir, '--json', 'jobs_total').stdout);
  assert.equal(family.name, 'jobs_total');
  assert.deepEqual([family.samples[0].labels, family.samples[0].value], [{ queue: 'mail' }, 7]);
});

test('check says ok of a good directory and exits 0', (t) => {
  const dir = withTempDir(t);
  const dead = [new DeadProcess(dir).die()];
  const { status, stdout } = cli('check', '--dir', dir);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: dead.map(({ path }) => `${path}: ok\n`).join('') });
});

test('check names the file, the byte and the cause of a damage, and exits 1', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const [{ path }] = twoDead(dir);
  const bytes = readFileSync(path);
  const at = bytes.indexOf('jobs_total');
  bytes[at] ^= 0xff;
  writeFileSync(path, bytes);
  const { status, stdout } = cli('check', path);
  assert.equal(status, 1);
  assert.match(stdout, new RegExp(`^${path}: BAD\n  at byte \\d+: .+\n`));
  const folder = cli('check', dir);
  assert.equal(folder.status, 2);
  assert.match(folder.stderr, /is a directory: check its files with --dir/);
  const { files } = JSON.parse(cli('check', '--json', path).stdout);
  assert.equal(files[0].ok, false);
  assert.ok(files[0].problems[0].offset <= at);
});

test('check finds the bad names in a directory and exits 1', (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).count('requestMillis', {}, 1).die();
  const { status, stdout } = cli('check', '--dir', dir);
  assert.equal(status, 1);
  assert.match(stdout, /^requestMillis: counter metrics should have "_total" suffix$/m);
  assert.match(stdout, /^requestMillis: metric names should be written in 'snake_case' not 'camelCase'$/m);
});

test("check passes prom-client's names of default metrics, unless names are strict", (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).set('nodejs_active_handles_total', 'sum', {}, 1, 1).die();
  const { status, stdout } = cli('check', '--dir', dir);
  assert.equal(status, 0, stdout);
  assert.match(stdout, /^note: nodejs_active_handles_total: non-counter metrics should not have "_total" suffix$/m);
  assert.equal(cli('check', '--strict-names', '--dir', dir).status, 1);
});

test('check --health exits 1 and tells in words what is wrong, and 0 where all is well', (t) => {
  const dir = withTempDir(t);
  // no process holds the lock of a process that was killed
  const { identity } = writeBareFile(dir, { pid: 999_999, liveness: 'flock' });
  const bad = cli('check', '--health', '--dir', dir);
  assert.equal(bad.status, 1);
  assert.match(bad.stdout, /^bad: no living process uses the directory$/m);
  assert.match(
    bad.stdout,
    new RegExp(`^bad: process ${identity.pid} was killed or crashed: its last beat was \\d+ s ago$`, 'm'),
  );
  const { healthy, findings } = JSON.parse(cli('check', '--health', '--json', '--dir', dir).stdout);
  assert.deepEqual([healthy, findings[0].rule, findings[0].level], [false, 'killed', 'bad']);
  assert.equal(cli('check', '--health', 'some.prom-mp').status, 2);

  const living = withTempDir(t);
  const writer = createFile(living);
  const well = cli('check', '--health', '--dir', living);
  assert.deepEqual([well.stdout, well.status], ['healthy\n', 0], writer.path);
});

test('check --health finds a worker that fails requests', async (t) => {
  const dir = withTempDir(t);
  const { store } = createFile(dir);
  const requests = store.declare(counter('http_requests_total', ['status_code']), ['default']);
  const [served, failed] = ['200', '503'].map((status) => attach(store, requests, [status]));
  const counting = setInterval(() => {
    addTo(served, 9);
    addTo(failed, 1);
  }, 20);
  t.after(() => clearInterval(counting));
  const check = startCli(t, ['check', '--health', '--dir', dir]);
  await check.printed(/^bad: process \d+ fails (?:9|10|11) % of its requests with a status of 5xx$/m);
  assert.equal(await check.ended(), 1);
});

test('check finds metrics whose lines have one name and exits 1', (t) => {
  const dir = withTempDir(t);
  new DeadProcess(dir).observe('wait_seconds', [1], 0.5).set('wait_seconds_count', 'sum', {}, 1, 1).die();
  const { status, stdout } = cli('check', '--dir', dir);
  assert.equal(status, 1);
  assert.match(
    stdout,
    /^wait_seconds\w*: the metric wait_seconds\w* is not shown: the metric wait_seconds\w*, which was/m,
  );
});

test('fold folds the dead, says so, and changes no value', (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  const before = cli('dump', '--dir', dir).stdout;
  const { status, stdout, stderr } = cli('fold', '--dir', dir);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, 'folded 2 files of dead processes into generation 1\n');
  assert.equal(cli('dump', '--dir', dir).stdout, before);
  assert.equal(JSON.parse(cli('fold', '--dir', dir, '--json').stdout).folded, 0);
});

test('register-path prints an absolute path that node --import takes in any working directory', (t) => {
  const path = cli('register-path').stdout.trimEnd();
  assert.ok(isAbsolute(path) && existsSync(path), path);
  const { status, stderr } = spawnSync(process.execPath, ['--import', pathToFileURL(path).href, '--eval', ''], {
    cwd: withTempDir(t),
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
});

test('top ends after --count looks and prints no escape codes on a pipe', (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  const { status, stdout } = cli('top', '--dir', dir, '--count', '2', '--interval', '0.01');
  assert.equal(status, 0);
  assert.equal(stdout.match(/^2 processes, 2 counter series$/gm)?.length, 2);
  assert.match(stdout, /7 +jobs_total\{queue="mail"\}/);
  assert.doesNotMatch(stdout, CONTROL);
});

test('top prints a line of JSON for each look', (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  const { stdout } = cli('top', '--dir', dir, '--count', '2', '--interval', '0.01', '--json');
  const looks = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.equal(looks.length, 2);
  for (const { processes, series } of looks) {
    assert.equal(processes.length, 2);
    assert.deepEqual(series[0], { series: 'jobs_total{queue="mail"}', total: 7, perSecond: 0 });
  }
});

test('top refuses intervals and counts that are not numbers above 0', (t) => {
  const dir = withTempDir(t);
  for (const [option, value, rule] of [
    ['--interval', '0', 'a number above 0'],
    ['--interval', '1e9', 'a number above 0, and at most 86400'],
    ['--count', '-1', 'a number above 0'],
  ]) {
    const { status, stderr } = cli('top', '--dir', dir, `${option}=${value}`);
    assert.deepEqual([status, stderr], [2, `prom-multiproc: ${option} "${value}" must be ${rule}\n`]);
  }
});

test('a fold that cannot be done says what to do, and exits 1', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  twoDead(dir);
  assert.equal(cli('fold', '--dir', dir).status, 0);
  twoDead(dir);
  const archive = join(dir, 'archive-000000000001.prom-mp-archive');
  const bytes = readFileSync(archive);
  // of a version that is to come
  bytes.writeUInt16LE(9, 12);
  writeFileSync(archive, bytes);
  const { status, stdout } = cli('fold', '--dir', dir);
  assert.equal(status, 1, stdout);
  assert.match(stdout, /^nothing was folded: the newest archive cannot be read .*`prom-multiproc check` tells why\n/);
  assert.equal(JSON.parse(cli('fold', '--dir', dir, '--json').stdout).abandoned, 'archive unreadable');
});

test('a fold reports the files and the archives that it leaves', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  twoDead(dir);
  writeFileSync(join(dir, '42-0-0123456789abcdef.prom-mp'), 'no metrics');
  writeFileSync(join(dir, 'archive-000000000007.prom-mp-archive'), 'no archive');
  const { status, stdout } = cli('fold', '--dir', dir);
  assert.equal(status, 0, stdout);
  const [folded, ...left] = stdout.trimEnd().split('\n');
  assert.match(folded, /^folded 2 files of dead processes into generation \d+$/);
  assert.deepEqual(left, [
    'files that were not folded: 1 not_a_metrics_file',
    'damaged archive, ignored and not deleted: archive-000000000007.prom-mp-archive',
  ]);
});

test('top ends well on SIGINT, whatever time is left to its next update', async (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  const top = startCli(t, ['top', '--dir', dir, '--interval', '3600']);
  await top.printed(/jobs_total/);
  top.child.kill('SIGINT');
  assert.equal(await top.ended(), 0);
});

test('serve starts before any worker, answers, finds what comes later, and ends well on SIGTERM', async (t) => {
  const dir = join(withTempDir(t), 'later');
  const server = startCli(t, ['serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0']);
  const [, url] = await server.printed(/on (http:\S+)\n/);
  assert.equal((await fetch(url)).status, 200);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  twoDead(dir);
  assert.match(await (await fetch(url)).text(), /^jobs_total\{queue="mail"\} 7$/m);
  server.child.kill('SIGTERM');
  assert.equal(await server.ended(), 0);
});

test('serve on a unix socket tells of trouble in one line of its log', async (t) => {
  const dir = withTempDir(t);
  const file = join(dir, 'web.yml');
  writeFileSync(file, 'rate_limit: {}');
  const socketPath = join(dir, 'metrics.sock');
  const args = ['--web.listen-address', `unix:${socketPath}`, '--web.config.file', file];
  const server = startCli(t, ['serve', '--dir', dir, ...args]);
  await server.printed(/^serving the metrics of .* on unix:.*metrics\.sock, path \/metrics\n/);
  writeFileSync(file, 'rate_limit: nonsense');
  assert.equal((await ask('http://localhost/metrics', { socketPath })).status, 200);
  await server.printed(/^prom-multiproc: web configuration file ".*", line 1, rate_limit: .*\n/m);
  assert.equal(server.output().trimEnd().split('\n').length, 2, server.output());
  server.child.kill('SIGINT');
  assert.equal(await server.ended(), 0);
  assert.equal(existsSync(socketPath), false);
});

test('serve listens on the socket of systemd, shows the metrics that it is told to, and has probes', async (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  const socket = createServer().listen(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address() as AddressInfo;
  const args = ['serve', '--dir', dir, '--web.systemd-socket', '--name', 'orders_total', '--created', '--no-fold'];
  const child = spawn('sh', ['-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, MAIN, ...args], {
    env: { ...process.env, LISTEN_FDS: '1' },
    stdio: ['ignore', 'pipe', 'inherit', (socket as any)._handle.fd],
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  socket.close();
  const url = `http://127.0.0.1:${port}`;
  const { text } = await ask(`${url}/metrics`);
  assert.match(text, /^orders_total 2$/m);
  assert.doesNotMatch(text, /jobs_total/);
  assert.match((await ask(`${url}/metrics?name[]=jobs_total`)).text, /^jobs_total\{queue="mail"\} 7$/m);
  for (const path of ['/-/healthy', '/-/ready', '/status/data.json']) {
    assert.equal((await ask(url, { path })).status, 200);
  }
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);

  const without = cli('serve', '--dir', dir, '--web.systemd-socket');
  assert.equal(without.status, 2);
  assert.match(without.stderr, /systemd has handed over no socket/);
});

test('serve listens on every address that is given, or on none', async (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  const [one, other] = [await freePort(), await freePort()];
  const addresses = ['--web.listen-address', `127.0.0.1:${one}`, '--web.listen-address', `[::1]:${other}`];
  const server = startCli(t, ['serve', '--dir', dir, ...addresses]);
  await server.printed(/on http:\/\/127.*\n.*on http:\/\/\[::1\]/);
  for (const url of [`http://127.0.0.1:${one}/metrics`, `http://[::1]:${other}/metrics`]) {
    assert.match(await (await fetch(url)).text(), /^jobs_total/m);
  }
  const second = cli('serve', '--dir', dir, '--web.listen-address', '127.0.0.1:0', `[::1]:${other}`);
  assert.deepEqual([second.status, second.stdout], [1, '']);
  server.child.kill('SIGTERM');
  assert.equal(await server.ended(), 0);
});

test('serve says what is wrong with an address, and which port is taken', async (t) => {
  const dir = withTempDir(t);
  const bad = cli('serve', '--dir', dir, '--web.listen-address', 'nonsense');
  assert.equal(bad.status, 2);
  assert.match(bad.stderr, /"nonsense".*give host:port, :port, \[::1\]:port or unix:\/path/);
  const taken = createServer().listen(await freePort(), '127.0.0.1');
  await once(taken, 'listening');
  t.after(() => taken.close());
  const { port } = taken.address() as AddressInfo;
  const { status, stderr } = cli('serve', '--dir', dir, '--web.listen-address', `127.0.0.1:${port}`);
  assert.equal(status, 1);
  assert.match(stderr, new RegExp(`^prom-multiproc: .*${port}`));
  assert.equal(stderr.trimEnd().split('\n').length, 1);
});

test('a reader that has seen enough ends a command quietly', (t) => {
  const dir = withTempDir(t);
  const talkative = new DeadProcess(dir);
  // more than a pipe holds, so that something is left to write when the reader goes
  for (let queue = 0; queue < 4000; queue++) {
    talkative.count('jobs_total', { queue: `a long name of queue ${queue}` }, 1);
  }
  talkative.die();
  for (const args of [
    ['dump', '--dir', dir],
    ['dump', '--dir', dir, '--json'],
    ['top', '--dir', dir, '--interval', '0.001'],
  ]) {
    const { output, status } = shell(`"$@" | head -n 1; exit "\${PIPESTATUS[0]}"`, ...args);
    assert.equal(output.trimEnd().split('\n').length, 1, output);
    assert.equal(status, 0);
  }
});

test('an output that cannot be written is an error in one line, not a success', (t) => {
  const dir = withTempDir(t);
  twoDead(dir);
  for (const args of [['dump', '--dir', dir], ['ps', '--dir', dir], ['check', '--dir', dir], ['--help']]) {
    const { output, status } = shell('"$@" > /dev/full', ...args);
    assert.equal(status, 1, args[0]);
    assert.match(output, /^prom-multiproc: the output cannot be written: ENOSPC.*\n$/);
  }
});

test('a server goes on when nobody reads what it prints', async (t) => {
  const port = await freePort();
  const file = join(withTempDir(t), 'web.yml');
  writeFileSync(file, 'rate_limit: {}');
  const args = ['serve', '--dir', withTempDir(t), '--web.listen-address', `127.0.0.1:${port}`];
  const server = startCli(t, [...args, '--web.config.file', file]);
  server.child.stdout!.destroy();
  server.child.stderr!.destroy();
  const ended = server.ended();
  await until(() => Promise.race([fetch(`http://127.0.0.1:${port}/`).catch(() => undefined), ended]));
  // which it reports on the stream that no program reads
  writeFileSync(file, 'rate_limit: nonsense');
  for (let request = 0; request < 3; request++) {
    assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 200);
  }
  server.child.kill('SIGTERM');
  assert.equal(await server.ended(), 0);
});

test('a directory that is not there is an error to all but serve, which may come first', (t) => {
  const dir = join(withTempDir(t), 'mistyped');
  for (const command of ['ps', 'dump', 'check', 'fold', 'top']) {
    const { status, stdout, stderr } = cli(command, '--dir', dir);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' }, command);
    assert.match(stderr, /^prom-multiproc: there is no directory ".*mistyped": .*--dir.*PROMETHEUS_MULTIPROC_DIR.*\n$/);
  }
  const file = join(withTempDir(t), 'file');
  writeFileSync(file, '');
  const { status, stderr } = cli('ps', '--dir', file);
  assert.equal(status, 2);
  assert.match(stderr, /^prom-multiproc: ".*file" is not a directory: .*--dir.*\n$/);
});

test('--help names every command and --version the version', () => {
  const { status, stdout } = cli('--help');
  assert.equal(status, 0);
  for (const name of ['serve', 'ps', 'dump', 'check', 'fold', 'register-path', 'top']) {
    assert.match(stdout, new RegExp(`^ {2}${name}\\b`, 'm'));
    assert.equal(cli(name, '--help').status, 0);
  }
  const { version } = JSON.parse(readFileSync(join(DIST, '..', 'package.json'), 'utf8'));
  assert.match(stdout, /^Exit codes: 0 .* 1 .* 2 /m);
  assert.deepEqual(cli('--version'), { status: 0, stdout: `${version}\n`, stderr: '' });
});

test('an unknown command, option or value exits 2 and points to the help', () => {
  for (const args of [['nonsense'], ['ps', '--nonsense'], ['dump', '--format', 'xml']]) {
    const { status, stdout, stderr } = cli(...args);
    assert.deepEqual({ status, stdout }, { status: 2, stdout: '' });
    assert.match(stderr, /^error: .*\n[^]*see --help/);
  }
  const values: [args: string[], complaint: RegExp][] = [
    [['top', '--count', 'many'], /--count "many" must be a number above 0/],
    [['serve', '--dead-retention', '-1'], /--dead-retention "-1" must be a number above 0/],
    [['push', '--interval', 'soon'], /--interval "soon" is not a duration: give it as 15s or 1m/],
    [['push', '--label=job'], /--label "job" is not a pair: give name=value/],
  ];
  for (const [args, complaint] of values) {
    const { status, stderr } = cli(...args, '--dir', '/nowhere');
    assert.equal(status, 2);
    assert.match(stderr, complaint);
  }
});

test('what a file holds prints no control characters', (t) => {
  const dir = withTempDir(t, { checkFiles: false });
  const hostName = 'evil\u001b]0;title\u0007\u202e';
  new DeadProcess(dir, { identity: { hostName } }).count('jobs_total', { queue: '\u001b[31mred\u009b' }, 1).die();
  const bad = join(dir, 'bad\u001b[31m.prom-mp');
  writeFileSync(bad, 'no metrics file');
  for (const args of [
    ['ps', '--dir', dir],
    ['top', '--dir', dir, '--count', '1'],
    ['check', '--dir', dir],
    ['check', bad],
    ['fold', '--dir', dir],
  ]) {
    const { stdout, stderr } = cli(...args);
    assert.doesNotMatch(stdout + stderr, CONTROL, args[0]);
  }
});
