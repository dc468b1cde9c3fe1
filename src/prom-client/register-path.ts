import { programFile } from '../program-file.js';

/**
 * Returns the absolute path of the file that `--import prom-multiproc/register` loads. NODE_OPTIONS needs it: with the
 * package name, a child process that starts in another working directory would not find the file, and exit.
 */
export function registerPath(): string {
  return programFile('register.js');
}
