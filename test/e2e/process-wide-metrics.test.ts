/** Memory and CPU time of a process with threads, compared with the figures of its system. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { fileKinds } from '../support/written-file.js';
import type { Order, Truth } from './programs/threads-with-default-metrics.js';

interface Application {
  readonly program: ForkedProgram;
  obey(order: Order['order']): Promise<Truth>;
}

function start(t: TestContext, dir: string, kind: 'mapped' | 'written'): Application {
  const mapping = kind === 'mapped' ? {} : { PROM_MULTIPROC_NO_MMAP: '1' };
  const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, ...mapping };
  const program = forkProgram(t, 'e2e/programs/threads-with-default-metrics', [], { env });
  return { program, obey: async (order) => program.ask<Truth>({ order }) };
}

/** Checks that CPU time is not less than before the collection, and not more than after it. */
function assertCpu(values: Readonly<Record<string, number>>, truths: readonly Truth[], what: string): void {
  const least = truths.reduce((sum, { cpuSeconds }) => sum + cpuSeconds[0], 0);
  const most = truths.reduce((sum, { cpuSeconds }) => sum + cpuSeconds[1], 0);
  const shown = values['process_cpu_seconds_total'];
  assert.ok(shown >= least && shown <= most, `${what}: ${shown} s of CPU, where ${least} to ${most} are right`);
  const parts = values['process_cpu_user_seconds_total'] + values['process_cpu_system_seconds_total'];
  assert.ok(Math.abs(parts - shown) < 0.3 * shown, `${what}: ${parts} s of user and system time, ${shown} together`);
}

/** Threads use memory themselves between the two readings, so that this is not exact; a double count would be much more. */
function assertMemory(values: Readonly<Record<string, number>>, truths: readonly Truth[], what: string): void {
  const real = truths.reduce((sum, { residentBytes }) => sum + residentBytes, 0);
  const shown = values['process_resident_memory_bytes'];
  assert.ok(Math.abs(shown - real) < 0.35 * real, `${what}: ${shown} bytes in memory, where ${real} are`);
}

for (const kind of fileKinds()) {
  test(`${kind}: process-wide metrics count once, whichever threads collect, end, are folded or killed`, async (t) => {
    const dir = withTempDir(t);
    const reading = new Reading(dir);
    const [one, other] = [start(t, dir, kind), start(t, dir, kind)];
    // in one process the main thread and two others collect, in the other only threads
    await one.obey('collect in the main thread');
    for (const application of [one, one, other, other]) await application.obey('start a thread');
    let truths: Truth[] = [];
    const collectAll = async (): Promise<void> => {
      truths = [await one.obey('collect'), await other.obey('collect')];
    };
    const look = (what: string): void => {
      const values = reading.values();
      assertCpu(values, truths, what);
      assertMemory(values, truths, what);
      assert.ok(values['process_start_time_seconds'] <= Date.now() / 1000);
    };
    await collectAll();
    look('all live');
    // thread metrics count for each thread: three isolates of one process, two of the other
    const heap = reading.values()['nodejs_heap_size_used_bytes'];
    assert.ok(heap > 5 * 3e6, `${heap} bytes of heaps`);

    for (const application of [one, other]) await application.obey('end the oldest thread');
    look('two threads have ended');
    assert.equal(foldDirectory(dir).folded, 2);
    look('they are folded');
    await other.obey('start a thread');
    await collectAll();
    look('another thread has started');
    assert.equal(foldDirectory(dir).folded, 0);

    await other.program.kill();
    const rest = reading.values();
    assertCpu(rest, truths, 'one process is killed');
    assertMemory(rest, truths.slice(0, 1), 'one process is killed');
    foldDirectory(dir);
    assertCpu(reading.values(), truths, 'it is folded');
    truths = [await one.obey('collect'), truths[1]];
    assertCpu(reading.values(), truths, 'the other goes on');
    await one.program.kill();
    foldDirectory(dir);
    assertCpu(reading.values(), truths, 'both are folded');
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.endsWith('.prom-mp')),
      [],
    );
    reading.close();
  });
}
