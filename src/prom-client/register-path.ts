import { join } from 'node:path';

/**
 * The absolute path of what `--import prom-multiproc/register` loads. NODE_OPTIONS needs it: by name, child processes that
 * start in another working directory would not find it, and end.
 */
export function registerPath(): string {
  return join(__dirname, '..', 'register.js');
}
