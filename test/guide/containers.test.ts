/** The users in the page on containers: needs root, as CI has it. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { BEHIND_MS } from '../support/cluster.js';
import { DIST, type Program, startProgram } from '../support/program.js';
import { withTempDir } from '../support/temp-dir.js';
import { codeSpans, guidePage } from './page.js';
import { needs } from '../support/needs.js';

const GROUP = 2000;
const [APPLICATION, SIDECAR] = [1000, 1001];
const COUNTING = join(DIST, 'test', 'e2e', 'programs', 'counting.js');
const CLI = join(DIST, 'src', 'cli', 'main.js');

/** Runs node as a user who is in the group beside their own. */
function startAs(t: TestContext, uid: number, args: readonly string[], env: Readonly<Record<string, string>>): Program {
  const ids = ['--reuid', String(uid), '--regid', String(uid), '--groups', String(GROUP)];
  return startProgram(t, 'setpriv', [...ids, process.execPath, ...args], { HOME: '/', ...env });
}

test(
  'application and sidecar of two users read and fold for each other, with the settings of the guide',
  needs('other users'),
  async (t) => {
    const dir = withTempDir(t);
    const settings = guidePage('containers.md').table('setting', 'Users');
    const valueOf = (name: string): string => {
      const row = settings.find(([setting]) => setting.includes(`\`${name}\``))!;
      return codeSpans(row[1])[0] ?? '';
    };
    chownSync(dir, 0, GROUP);
    chmodSync(dir, Number.parseInt(valueOf('PROM_MULTIPROC_DIR_MODE'), 8));
    const env = {
      PROMETHEUS_MULTIPROC_DIR: dir,
      PROM_MULTIPROC_GROUP: String(GROUP),
      PROM_MULTIPROC_FILE_MODE: valueOf('PROM_MULTIPROC_FILE_MODE'),
    };
    const countAndDie = async (): Promise<void> => {
      const worker = startAs(t, APPLICATION, [COUNTING, '5'], env);
      await worker.printed(/counted/);
      await delay(BEHIND_MS);
      worker.child.kill('SIGKILL');
      await worker.ended();
    };
    const asked = async (uid: number, ...args: string[]): Promise<string> => {
      const command = startAs(t, uid, [CLI, ...args], env);
      assert.equal(await command.ended(), 0, command.output());
      return command.output();
    };
    for (const [at, uid] of [SIDECAR, APPLICATION].entries()) {
      await countAndDie();
      assert.match(await asked(uid, 'fold'), new RegExp(`^folded 1 files .* generation ${at + 1}$`, 'm'));
      assert.deepEqual(
        readdirSync(dir).filter((name) => name.endsWith('.prom-mp')),
        [],
      );
    }
    // the archive is the application's by now
    assert.match(await asked(SIDECAR, 'dump', 'counts_total'), /^counts_total 10$/m);
  },
);
