/** Memory and CPU time of a process with threads, compared with the figures of its system. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { foldDirectory } from '../../src/archive/fold.js';
import { type ForkedProgram, forkProgram } from '../support/forked-program.js';
import { Reading } from '../support/reading.js';
import { withTempDir } from '../support/temp-dir.js';
import { fileKinds } from '../support/written-file.js';
import type { Order, Truth } from './programs/threads-with-default-metrics.js';

/** The kernel counts user and system time each in ticks of 10 ms, and cuts the rest off. */
const CPU_PRECISION_SECONDS = 0.02;

class Application {
  readonly #program: ForkedProgram;
  #cpuSecondsAtDeath?: number;

  constructor(t: TestContext, dir: string, kind: 'mapped' | 'written') {
    const mapping = kind === 'mapped' ? {} : { PROM_MULTIPROC_NO_MMAP: '1' };
    const env = { ...process.env, PROMETHEUS_MULTIPROC_DIR: dir, ...mapping };
    this.#program = forkProgram(t, 'e2e/programs/threads-with-default-metrics', [], { env });
  }

  async obey(order: Order['order']): Promise<Truth> {
    return this.#program.ask<Truth>({ order });
  }

  async kill(): Promise<void> {
    this.#cpuSecondsAtDeath = this.cpuSeconds();
    await this.#program.kill();
  }

  /** What the process has used until now, by the kernel's count. */
  cpuSeconds(): number {
    if (this.#cpuSecondsAtDeath !== undefined) return this.#cpuSecondsAtDeath;
    const stat = readFileSync(`/proc/${this.#program.pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')')).split(' ');
    return (Number(fields[12]) + Number(fields[13])) / 100;
  }
}

/**
 * Checks that CPU time is not less than before the last collection on order, and not more than now: each process also
 * collects by itself, every few seconds.
 */
function assertCpu(
  values: Readonly<Record<string, number>>,
  truths: readonly Truth[],
  applications: readonly Application[],
  what: string,
): void {
  const least = truths.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const most = applications.reduce((sum, application) => sum + application.cpuSeconds() + CPU_PRECISION_SECONDS, 0);
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
    const [one, other] = [new Application(t, dir, kind), new Application(t, dir, kind)];
    const both = [one, other];
    // in one process the main thread and two others collect, in the other only threads
    await one.obey('collect in the main thread');
    for (const application of [one, one, other, other]) await application.obey('start a thread');
    let truths: Truth[] = [];
    const collectAll = async (): Promise<void> => {
      truths = [await one.obey('collect'), await other.obey('collect')];
    };
    const look = (what: string): void => {
      const values = reading.values();
      assertCpu(values, truths, both, what);
      assertMemory(values, truths, what);
      assert.ok(values['process_start_time_seconds'] <= Date.now() / 1000);
    };
    await collectAll();
    look('all live');
    // thread metrics count for each thread: three isolates of one process, two of the other
    const heap = reading.values()['nodejs_heap_size_used_bytes'];
    assert.ok(heap > 5 * 3e6, `${heap} bytes of heaps`);

    for (const application of both) await application.obey('end the oldest thread');
    look('two threads have ended');
    assert.equal(foldDirectory(dir).folded, 2);
    look('they are folded');
    await other.obey('start a thread');
    await collectAll();
    look('another thread has started');
    assert.equal(foldDirectory(dir).folded, 0);

    await other.kill();
    const rest = reading.values();
    assertCpu(rest, truths, both, 'one process is killed');
    assertMemory(rest, truths.slice(0, 1), 'one process is killed');
    foldDirectory(dir);
    assertCpu(reading.values(), truths, both, 'it is folded');
    truths = [await one.obey('collect'), truths[1]];
    assertCpu(reading.values(), truths, both, 'the other goes on');
    await one.kill();
    foldDirectory(dir);
    assertCpu(reading.values(), truths, both, 'both are folded');
    assert.deepEqual(
      readdirSync(dir).filter((name) => name.endsWith('.prom-mp')),
      [],
    );
    reading.close();
  });
}
