/** A memory group (cgroups, version 1 or 2), for tests in which the kernel kills a process that runs out of memory. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { afterTest } from './after-test.js';

interface Hierarchy {
  readonly root: string;
  /** Names of the files in a group. */
  readonly limit: string;
  readonly usage: string;
}

/** The mount points of systemd; see cgroups(7). */
const HIERARCHIES: readonly Hierarchy[] = [
  { root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', usage: 'memory.usage_in_bytes' },
  { root: '/sys/fs/cgroup', limit: 'memory.max', usage: 'memory.current' },
];

let groups = 0;

export interface MemoryGroup {
  /** Adds a process to the group: memory that it allocates from then on is charged to the group. */
  add(pid: number): void;
  /** Bytes that are charged to the group now. */
  usageBytes(): number;
}

/**
 * Makes a group for a test. It is removed after the test.
 *
 * @throws {Error} if this system does not allow it: the test must not pass without having tested anything
 */
export function memoryGroup(t: TestContext, limitBytes: number): MemoryGroup {
  const failures: string[] = [];
  for (const hierarchy of HIERARCHIES) {
    const dir = join(hierarchy.root, `prom-multiproc-test-${process.pid}-${groups++}`);
    try {
      makeGroup(hierarchy, dir, limitBytes);
    } catch (error) {
      failures.push((error as Error).message);
      continue;
    }
    afterTest(t, () => rmdirSync(dir));
    return {
      add: (pid) => writeFileSync(join(dir, 'cgroup.procs'), String(pid)),
      usageBytes: () => Number(readFileSync(join(dir, hierarchy.usage), 'utf8')),
    };
  }
  throw new Error(
    `no memory group can be made here (${failures.join('; ')}): run the tests as root where /sys/fs/cgroup may be written`,
  );
}

function makeGroup({ root, limit }: Hierarchy, dir: string, limitBytes: number): void {
  const controllers = join(root, 'cgroup.subtree_control');
  // in version 2 a group has a controller only if its parent enables it
  if (existsSync(controllers)) writeFileSync(controllers, '+memory');
  else if (!existsSync(join(root, limit))) throw new Error(`${root} has no memory controller`);
  mkdirSync(dir);
  try {
    writeFileSync(join(dir, limit), String(limitBytes));
  } catch (error) {
    rmdirSync(dir);
    throw error;
  }
}
