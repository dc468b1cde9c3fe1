import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';

/** The start of node on a busy machine. */
const TIMEOUT_MS = 5000;

/**
 * Whether a process survives loading a module with native code, which may abort it: tried in a process of its own, for as
 * long as that takes (50 ms).
 */
export function canLoad(module: string): boolean {
  // another program would run itself
  if (!/^node/i.test(basename(process.execPath))) return false;
  const { status } = spawnSync(process.execPath, ['--require', module, '--eval', ''], {
    env: {},
    stdio: 'ignore',
    timeout: TIMEOUT_MS,
  });
  return status === 0;
}
