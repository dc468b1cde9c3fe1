/**
 * Which file a request for prom-client gets under the preload hook. Nothing here knows a module system: the hooks do.
 */
import { existsSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';

/** dist/src: what is asked for from here is meant as it is said. */
const HERE = dirname(__dirname);
const ROOT = join(HERE, 'root.js');
const DEEP = join(__dirname, 'lib');
const REPLACED = ['prom-client', '@prometheus-io/client'];

/** That a replaced package was asked for something that there is no counterpart of. */
class NoCounterpartError extends Error {
  /** What a missing file has: programs that try one and go on without it go on here too. */
  readonly code = 'MODULE_NOT_FOUND';

  constructor(specifier: string, parent: string | undefined) {
    super(
      `prom-multiproc/register stands in for ${JSON.stringify(packageOf(specifier))} and has no counterpart of ${JSON.stringify(specifier)}` +
        (parent === undefined ? '' : `, which ${JSON.stringify(parent)} asks for`) +
        ': load that without the hook, or open an issue that says what it is needed for',
    );
  }
}

/**
 * @param parent the path of the file that asks
 * @returns the path of our file; undefined where the request is none of ours, or is to be answered as it is
 * @throws {NoCounterpartError}
 */
export function redirected(specifier: string, parent: string | undefined): string | undefined {
  const name = packageOf(specifier);
  if (name === undefined || parent?.startsWith(HERE + sep)) return undefined;
  const file = specifier.slice(name.length + 1).replace(/\.js$/, '');
  if (file === '' || file === 'index') return ROOT;
  // programs read its version
  if (file === 'package.json') return undefined;
  const counterpart = /^lib\/([\w-]+(?:\/[\w-]+)*)$/.exec(file)?.[1];
  const path = counterpart === undefined ? '' : join(DEEP, `${counterpart}.js`);
  if (path !== '' && existsSync(path)) return path;
  throw new NoCounterpartError(specifier, parent);
}

function packageOf(specifier: string): string | undefined {
  return REPLACED.find((name) => specifier === name || specifier.startsWith(`${name}/`));
}
