/** What only a terminal sees; script(1) is one. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { DeadProcess } from '../support/dead-process.js';
import { DIST, until } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';
import { counter } from '../support/declarations.js';
import { addTo, attach, createFile } from '../support/written-file.js';

const ESCAPE = '\u001b';

type Env = Readonly<Record<string, string | undefined>>;

/** The arguments of script(1) for a command on a terminal of this width. */
function scriptOf(args: readonly string[], cols: number): string[] {
  const main = join(DIST, 'src', 'cli', 'main.js');
  const line = `stty cols ${cols} rows 30; exec "${process.execPath}" "${main}" ${args.join(' ')}`;
  return ['--quiet', '--return', '--command', line, '/dev/null'];
}

function terminalEnv(env: Env): NodeJS.ProcessEnv {
  return { ...process.env, FORCE_COLOR: undefined, CI: undefined, NO_COLOR: undefined, TERM: 'xterm', ...env };
}

/** All that a command prints on a terminal, both streams, with what follows the last time that the screen was cleared. */
function onTerminal(args: readonly string[], env: Env = {}, cols = 80): string {
  const { stdout, status } = spawnSync('script', scriptOf(args, cols), { encoding: 'utf8', env: terminalEnv(env) });
  assert.equal(status, 0, stdout);
  return stdout.replaceAll('\r\n', '\n');
}

function deadProcesses(dir: string, number: number): void {
  for (let made = 0; made < number; made++) {
    new DeadProcess(dir).count('jobs_total', { queue: 'q'.repeat(90) }, 1).die();
  }
}

test('a terminal has colours, unless NO_COLOR is set or it can show none', needs('namespaces'), (t) => {
  const dir = withTempDir(t);
  deadProcesses(dir, 1);
  assert.ok(onTerminal(['ps', '--dir', dir]).includes(`${ESCAPE}[31mdead `));
  assert.ok(onTerminal(['check', '--dir', dir]).includes(`: ${ESCAPE}[32mok${ESCAPE}[39m\n`));
  for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
    for (const command of ['ps', 'check']) {
      assert.equal(onTerminal([command, '--dir', dir], env).includes(ESCAPE), false, command);
    }
  }
});

test('fold shows on a terminal how far it is, and leaves nothing of that behind', needs('namespaces'), (t) => {
  const dir = withTempDir(t);
  deadProcesses(dir, 4);
  const drawn = onTerminal(['fold', '--dir', dir]).split(`\r${ESCAPE}[K`);
  assert.deepEqual(
    drawn.slice(1, -1).map((bar) => /^[#.]{30} +(\d+) % of 4 files of dead processes$/.exec(bar)?.[1]),
    ['0', '25', '50', '75', '100'],
  );
  assert.equal(drawn.at(-1), 'folded 4 files of dead processes into generation 1\n');
});

test('top keeps to the size of the terminal', needs('namespaces'), (t) => {
  const dir = withTempDir(t);
  deadProcesses(dir, 20);
  const screens = onTerminal(['top', '--dir', dir, '--count', '2', '--interval', '0.01']).split(
    `${ESCAPE}[H${ESCAPE}[J`,
  );
  assert.equal(screens.length, 3);
  for (const screen of screens.slice(1)) {
    // colours take no room
    const lines = stripVTControlCharacters(screen).split('\n');
    assert.equal(lines[0], '20 processes, 1 counter series');
    assert.equal(lines[1], 'bad: no living process uses the directory');
    assert.match(screen, /^sort p:pid c:cpu m:memory l:lag .* s:series, end q$/m);
    assert.ok(lines.length <= 30, `${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, line);
  }
});

interface Figures {
  readonly cpu: number;
  readonly mib: number;
  readonly lag: number;
  readonly gc: number;
  /** Requests in the time of the test, and how many of them fail. */
  readonly requests: number;
  readonly failed: number;
  readonly series: number;
  readonly ageSeconds: number;
}

/** By pid. Each has the largest value of some columns, so that every key gives another order. */
const WORKERS: Readonly<Record<number, Figures>> = {
  4_200_001: { cpu: 0.9, mib: 50, lag: 0.01, gc: 0.02, requests: 500, failed: 1, series: 2, ageSeconds: 500 },
  4_200_002: { cpu: 0.1, mib: 900, lag: 0.02, gc: 0.3, requests: 100, failed: 90, series: 3, ageSeconds: 100 },
  4_200_003: { cpu: 0.2, mib: 60, lag: 0.8, gc: 0.01, requests: 300, failed: 0, series: 40, ageSeconds: 300 },
};

/** Living processes with these figures. Returns a function that counts their requests. */
function workersIn(dir: string): () => void {
  const counting = Object.entries(WORKERS).map(([pid, { cpu, mib, lag, gc, requests, failed, series, ageSeconds }]) => {
    const startedAt = Date.now() / 1000 - ageSeconds;
    const { store, writer } = createFile(dir, { identity: { pid: Number(pid), startedAt } });
    const counted = store.declare(counter('http_requests_total', ['code']), ['default']);
    const [served, lost] = ['200', '500'].map((code) => attach(store, counted, [code]));
    const further = store.declare(counter('jobs_total', ['queue']), ['default']);
    for (let queue = 2; queue < series; queue++) attach(store, further, [String(queue)]);
    writer.beat({ cpuShare: cpu, residentBytes: mib * 2 ** 20, loopLagSeconds: lag, gcShare: gc, restarts: 0 });
    return () => {
      addTo(served, requests - failed);
      addTo(lost, failed);
    };
  });
  return () => counting.forEach((count) => count());
}

/** The pids of the table, from the top. */
function pidsOf(screen: string): number[] {
  return [...screen.matchAll(/^[! ] +(42\d{5}) /gm)].map(([, pid]) => Number(pid));
}

test('top sorts the workers by the key that is pressed, and q ends it', needs('namespaces'), async (t) => {
  const dir = withTempDir(t);
  const count = workersIn(dir);
  const top = spawn('script', scriptOf(['top', '--dir', dir, '--interval', '0.2'], 120), { env: terminalEnv({}) });
  t.after(() => top.kill('SIGKILL'));
  let output = '';
  top.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  /** Presses a key, and waits for a screen that knows it. */
  const press = async (key: string): Promise<string> => {
    output = '';
    top.stdin.write(key);
    return until(() => {
      const screens = stripVTControlCharacters(output)
        .replaceAll('\r\n', '\n')
        .split(/(?=^\d+ processes)/m);
      return screens.slice(0, -1).find((screen) => new RegExp(`^sort .*\\*${key}:`, 'm').test(screen));
    });
  };
  // the first screen has rates: it comes after a second reading
  const counting = setInterval(count, 50);
  await until(() => output.includes('PER SECOND'));
  clearInterval(counting);
  const [rated] = /^ *[1-9][\d.]* +\d+ +http_requests_total.*$/m.exec(stripVTControlCharacters(output)) ?? [];
  assert.ok(rated !== undefined, output);
  count();
  const [one, two, three] = Object.keys(WORKERS).map(Number);
  for (const [key, first] of Object.entries({
    c: one,
    m: two,
    l: three,
    r: one,
    e: two,
    g: two,
    a: two,
    s: three,
    p: one,
  })) {
    const screen = await press(key);
    assert.equal(pidsOf(screen)[0], first, `${key}\n${screen}`);
    assert.equal(pidsOf(screen).length, 3);
  }
  const [, second] = pidsOf(await press('m'));
  assert.equal(second, three);
  const ended = once(top, 'exit');
  top.stdin.write('q');
  assert.deepEqual(await ended, [0, null]);
});

test(
  'top leaves out columns on a narrow terminal, cuts none, and has no colour where none is wanted',
  needs('namespaces'),
  (t) => {
    const dir = withTempDir(t);
    workersIn(dir);
    const args = ['top', '--dir', dir, '--count', '1', '--interval', '0.01'];
    const headsAt = (cols: number): string[] => {
      const screen = stripVTControlCharacters(onTerminal(args, {}, cols));
      for (const line of screen.split('\n')) assert.ok(line.length <= cols, line);
      return /^ +PID .*$/m.exec(screen)![0].trim().split(/ {2,}/);
    };
    assert.deepEqual(headsAt(30), ['PID', 'CPU', 'MEMORY']);
    assert.deepEqual(headsAt(55), ['PID', 'STATE', 'CPU', 'MEMORY', 'LAG', 'REQ/S', '5XX']);
    assert.deepEqual(headsAt(160), [
      ...['PID', 'STATE', 'CPU', 'MEMORY', 'LAG', 'REQ/S', '5XX', 'LOOP', 'GC', 'AGE'],
      ...['RESTARTS', 'SERIES', 'LAST BEAT', 'KIND'],
    ]);
    const colourful = onTerminal(args);
    assert.ok(colourful.includes(`${ESCAPE}[31m!`), 'the worker that the verdict names');
    for (const env of [{ NO_COLOR: '1' }, { TERM: 'dumb' }]) {
      assert.doesNotMatch(onTerminal(args, env), new RegExp(`${ESCAPE}\\[\\d*m`));
    }
  },
);
