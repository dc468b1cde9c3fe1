/** What only a terminal sees; script(1) is one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { DeadProcess } from '../support/dead-process.js';
import { DIST } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { needs } from '../support/needs.js';

const ESCAPE = '\u001b';

/** All that a command prints on a terminal, both streams, with what follows the last time that the screen was cleared. */
function onTerminal(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): string {
  const line = `stty cols 80 rows 30; exec "${process.execPath}" "${join(DIST, 'src', 'cli', 'main.js')}" ${args.join(' ')}`;
  const { stdout, status } = spawnSync('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
    encoding: 'utf8',
    env: { ...process.env, FORCE_COLOR: undefined, CI: undefined, NO_COLOR: undefined, TERM: 'xterm', ...env },
  });
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
    assert.match(screen, /^sort by p pid, c cpu, m memory, l lag/m);
    assert.ok(lines.length <= 30, `${lines.length} lines`);
    for (const line of lines) assert.ok(line.length <= 80, line);
  }
});
