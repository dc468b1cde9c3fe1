/**
 * Chooses the file that a request for prom-client gets under the preload hook. The hooks connect this to the module systems.
 */
import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** dist/src. Requests from files below it are not redirected. */
const HERE = dirname(__dirname);
const ROOT = join(HERE, 'root.js');
const DEEP = join(__dirname, 'lib');
const REPLACED = ['prom-client', '@prometheus-io/client'];

/** A module of a replaced package was requested that has no counterpart in this package. */
class NoCounterpartError extends Error {
  /** The code of a missing file: programs that try to load a file and continue without it then continue here too. */
  readonly code = 'MODULE_NOT_FOUND';

  constructor(specifier: string, parent: string | undefined) {
    super(
      `prom-multiproc/register stands in for ${JSON.stringify(packageOf(specifier))} and has no counterpart of ${JSON.stringify(specifier)}` +
        (parent === undefined ? '' : `, which ${JSON.stringify(parent)} asks for`) +
        ': load it without the hook, or open an issue that describes its use',
    );
  }
}

/**
 * @param parent the path of the requesting file
 * @returns the path of our file; undefined if the request is for another package or must not be redirected
 * @throws {NoCounterpartError}
 */
export function redirected(specifier: string, parent: string | undefined): string | undefined {
  const name = packageOf(specifier);
  if (name === undefined || parent?.startsWith(HERE + sep)) return undefined;
  const file = specifier.slice(name.length + 1).replace(/\.js$/, '');
  if (file === '' || file === 'index') return ROOT;
  // not redirected: programs read the version in it
  if (file === 'package.json') return undefined;
  const counterpart = /^lib\/([\w-]+(?:\/[\w-]+)*)$/.exec(file)?.[1];
  const path = counterpart === undefined ? '' : join(DEEP, `${counterpart}.js`);
  if (path !== '' && existsSync(path)) return path;
  throw new NoCounterpartError(specifier, parent);
}

function packageOf(specifier: string): string | undefined {
  return REPLACED.find((name) => specifier === name || specifier.startsWith(`${name}/`));
}
