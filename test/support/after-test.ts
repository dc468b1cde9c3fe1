import type { TestContext } from 'node:test';

type Cleanup = () => void | Promise<void>;

const cleanups = new WeakMap<TestContext, Cleanup[]>();

/**
 * Like `t.after`, but the last registered cleanup runs first, where node:test uses the order of registration. A worker must
 * be dead before its directory is removed, or it makes its file again during the removal. Every cleanup runs even if others
 * fail; the first error fails the test.
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
