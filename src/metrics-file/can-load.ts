import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

/** Enough for node to start on a busy machine. */
const TIMEOUT_MS = 5000;

/**
 * Whether a process survives loading a module with native code, which may abort it. A child process tries it, which takes
 * 50 ms.
 */
export function canLoad(module: string): boolean {
  // where node is embedded in another program, `execPath` would start that program again
  if (!/^node/i.test(basename(process.execPath))) return false;
  const { status } = spawnSync(process.execPath, ['--require', module, '--eval', ''], {
    env: {},
    stdio: 'ignore',
    timeout: TIMEOUT_MS,
  });
  return status === 0;
}
