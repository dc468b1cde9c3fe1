import { statSync } from 'node:fs';
import { checkDirectory } from '../directory/check-directory.js';
import { chooseForCommand } from '../directory/choose.js';
import { PromMultiprocError } from '../errors.js';

/**
 * The directory that a command is for, where there is nothing to do without one: a mistyped name would look like an idle
 * application.
 *
 * @throws {PromMultiprocError} ERR_NO_DIRECTORY, ERR_DIRECTORY_REFUSED
 */
export function existingDirectory(named: string | undefined): string {
  const chosen = chooseForCommand(named);
  const { dir } = chosen;
  const stats = statSync(dir, { throwIfNoEntry: false });
  if (stats?.isDirectory() === true) return checkDirectory({ ...chosen, derived: false }).dir;
  const name = JSON.stringify(dir);
  throw new PromMultiprocError(
    'ERR_NO_DIRECTORY',
    `${stats === undefined ? `there is no directory ${name}` : `${name} is not a directory`}: ` +
      'name the one that the application counts in by --dir or PROMETHEUS_MULTIPROC_DIR',
  );
}
