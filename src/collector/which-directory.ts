import { existsSync } from 'node:fs';
import { locateDirectory, primaryDirectory, threadDirectory } from '../directory/locate.js';
import { storeDirectory } from '../storage/process-store.js';

/**
 * The directory that a reader in this process means when it names none: the one that this process counts in, else the one
 * it would count in, else one that its cluster workers or worker threads have made. Undefined where there is none.
 */
export function whichDirectory(): string | undefined {
  const own = storeDirectory() ?? locateDirectory()?.dir;
  if (own !== undefined) return own;
  return [primaryDirectory().dir, threadDirectory().dir].find((dir) => existsSync(dir));
}
