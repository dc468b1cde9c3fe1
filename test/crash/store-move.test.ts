/** A SIGKILL at any step of a store's move: out of memory, out of a file that was deleted, and to another directory. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkFile } from '../../src/metrics-file/check.js';
import { native } from '../../src/metrics-file/mapping.js';
import { forkProgram } from '../support/forked-program.js';
import { valuesIn } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { type KillStep, type Origin, SERIES } from './programs/moving.js';

const isMapped = native() !== undefined;
/** Default labels and families come first, then series. */
const RECORDS: readonly KillStep[] = [1, 2, SERIES / 2];

const CASES: readonly (readonly [Origin, readonly KillStep[]])[] = [
  ['memory', ['before the file has its name', ...RECORDS, 'after the move']],
  ['a deleted file', ['before the file has its name', ...RECORDS, 'after the move']],
  [
    'another directory',
    ['before the file has its name', ...RECORDS, 'before the old file is removed', 'after the move'],
  ],
];

/** What each series has counted: one, and what the process has recorded since. */
function countedBy(record: string): Map<string, number> {
  const counted = new Map(Array.from({ length: SERIES }, (_, kind) => [String(kind), 1]));
  for (const kind of readFileSync(record, 'utf8').split('\n').slice(0, -1)) {
    counted.set(kind, (counted.get(kind) ?? 0) + 1);
  }
  return counted;
}

for (const [origin, steps] of CASES) {
  for (const step of steps) {
    const when = typeof step === 'number' ? `at record ${step}` : step;
    test(`killed ${when} of a move from ${origin}, a process leaves each series whole in one place`, async (t) => {
      const base = withTempDir(t);
      const [dir, former, record] = ['new', 'former', 'counted'].map((name) => join(base, name));
      mkdirSync(dir);
      mkdirSync(former);
      const program = forkProgram(t, 'crash/programs/moving', [origin, String(step), dir, former, record], {
        env: { ...process.env, PROMETHEUS_MULTIPROC_DIR: undefined },
      });
      assert.equal(await program.ended, 'SIGKILL', program.output);

      for (const place of [dir, former]) {
        for (const name of readdirSync(place).filter((file) => /^[^.].*\.prom-mp$/.test(file))) {
          const { ok, problems } = checkFile(join(place, name));
          assert.ok(ok, JSON.stringify(problems));
        }
      }
      const [moved, stayed] = [valuesIn(dir), valuesIn(former)];
      const counted = countedBy(record);
      let seen = 0;
      for (const [kind, value] of counted) {
        const line = `jobs_total{kind="${kind}"}`;
        const shown = moved[line] ?? stayed[line];
        if (shown === undefined) continue;
        seen++;
        // a file that is not mapped has the counts of its last flush
        if (isMapped) assert.equal(shown, value, line);
        else assert.ok(shown <= value, line);
      }
      if (origin === 'another directory' || step === 'after the move') {
        assert.ok(isMapped ? seen === counted.size : seen >= SERIES, `${seen} of ${counted.size} series`);
      } else if (typeof step === 'number' && isMapped) {
        assert.ok(seen >= step - 3, `${seen} series have moved at record ${step}`);
      }
      if (typeof step === 'number') {
        const { length } = Object.keys(moved);
        assert.ok(length <= step, `${length} series have moved at record ${step}`);
      }
      // no series that the process has not counted, but for one that it was about to count
      const unknown = Object.keys({ ...moved, ...stayed }).filter((line) => !counted.has(/"(.*)"/.exec(line)![1]));
      assert.ok(unknown.length <= 1 && unknown.every((line) => line.includes('new')), unknown.join());
      if (step === 'after the move') assert.deepEqual(stayed, {});
      if (step === 'before the file has its name') assert.deepEqual(moved, {});
    });
  }
}
