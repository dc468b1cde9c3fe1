import { statSync } from 'node:fs';
import { checkDirectory } from '../directory/check-directory.js';
import { chooseForCommand } from '../directory/choose.js';
import { PromMultiprocError } from '../errors.js';

/**
 * The directory of a command that needs an existing one: otherwise a mistyped name would look like an idle application.
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
      "give the application's metrics directory with --dir or PROMETHEUS_MULTIPROC_DIR",
  );
}
