import type { TestContext } from 'node:test';

type Cleanup = () => void | Promise<void>;

const cleanups = new WeakMap<TestContext, Cleanup[]>();

/**
 * Like `t.after`, but what was made last is undone first, where node:test goes in order of registration: a worker has to
 * be dead before the directory that it counts into is removed, or it makes its file anew beside the removal. Every cleanup
 * runs, whatever the others do; the first error fails the test.
 */
export function afterTest(t: TestContext, cleanup: Cleanup): void {
  let stack = cleanups.get(t);
  if (stack === undefined) {
    stack = [];
    cleanups.set(t, stack);
    t.after(() => unwind(stack as Cleanup[]));
  }
  stack.push(cleanup);
}

async function unwind(stack: Cleanup[]): Promise<void> {
  const errors: unknown[] = [];
  for (let cleanup = stack.pop(); cleanup !== undefined; cleanup = stack.pop()) {
    try {
      await cleanup();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
