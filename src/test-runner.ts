type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Test runners that run test files in worker threads, or load modules again for each file, and how each is detected. There
 * one process may run many unrelated test files, and the values of one must not appear in another.
 *
 * node:test is not in the list, since it runs each file in a process of its own. Nor is mocha, unless it runs in parallel.
 */
const RUNNERS: Readonly<Record<string, (env: Environment, script: string) => boolean>> = {
  jest: (env) => env.JEST_WORKER_ID !== undefined,
  vitest: (env) => env.VITEST !== undefined,
  mocha: (env) => env.MOCHA_WORKER_ID !== undefined,
  // ava sets no variable
  ava: (_env, script) => /[\\/]node_modules[\\/]ava[\\/]/.test(script),
};

export function isUnderTestRunner(env: Environment = process.env, script: string = process.argv[1] ?? ''): boolean {
  return Object.values(RUNNERS).some((isIt) => isIt(env, script));
}
