/**
 * Chooses the file that a request for prom-client gets under the preload hook. The hooks connect this to the module systems.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { debug } from '../debug-log.js';
import { warnOnce } from '../warn-once.js';

/** dist/src. Requests from files below it are not redirected. */
const HERE = dirname(__dirname);
const ROOT = join(HERE, 'root.js');
const DEEP = join(__dirname, 'lib');
export const REPLACED = ['prom-client', '@prometheus-io/client', '@platformatic/prom-client'];

/** A request for a replaced package. Next.js adds a hash to the name of a package that it does not bundle. */
const REQUEST = new RegExp(`^((${REPLACED.join('|')})(?:-[0-9a-f]{16})?)(?:/|$)`);

/** Until this release, `metrics()` of prom-client returned a string, where this package returns a promise. */
const FIRST_MAJOR = 13;

/** A module of a replaced package was requested that has no counterpart in this package. */
class NoCounterpartError extends Error {
  /** The code of a missing file: programs that try to load a file and continue without it then continue here too. */
  readonly code = 'MODULE_NOT_FOUND';

  constructor(specifier: string, parent: string | undefined) {
    super(
      `prom-multiproc/register stands in for ${JSON.stringify(REQUEST.exec(specifier)?.[2])} and has no counterpart of ${JSON.stringify(specifier)}` +
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
  const match = REQUEST.exec(specifier);
  if (match === null || parent?.startsWith(HERE + sep)) return undefined;
  const [, requested, name] = match;
  const path = counterpartOf(specifier.slice(requested.length + 1).replace(/\.js$/, ''));
  // not redirected: programs read the version in it
  if (path === 'package.json') return undefined;
  if (name === 'prom-client' && isTooOld(requested, parent)) return undefined;
  if (path === undefined) throw new NoCounterpartError(specifier, parent);
  debug('%s is redirected to %s for %s', specifier, path, parent ?? 'the main program');
  return path;
}

function counterpartOf(file: string): string | undefined {
  if (file === '' || file === 'index') return ROOT;
  if (file === 'package.json') return file;
  const counterpart = /^lib\/([\w-]+(?:\/[\w-]+)*)$/.exec(file)?.[1];
  const path = counterpart === undefined ? '' : join(DEEP, `${counterpart}.js`);
  return path !== '' && existsSync(path) ? path : undefined;
}

/** Whether the requesting file would get a prom-client whose `metrics()` is synchronous. */
function isTooOld(requested: string, parent: string | undefined): boolean {
  if (parent === undefined) return false;
  const version = versionFrom(dirname(parent), requested);
  if (version === undefined || Number.parseInt(version, 10) >= FIRST_MAJOR) return false;
  warnOnce(
    'old prom-client',
    `${JSON.stringify(parent)} gets its own prom-client ${version}, whose metrics() is synchronous, and its metrics are not merged: update prom-client to ${FIRST_MAJOR} or later`,
  );
  return true;
}

const versions = new Map<string, string | undefined>();

/** Returns the version of the package that modules in a folder would get; undefined where none is installed. */
function versionFrom(folder: string, name: string): string | undefined {
  const key = `${folder}\0${name}`;
  if (versions.has(key)) return versions.get(key);
  let version: string | undefined;
  try {
    const manifest = readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8');
    ({ version } = JSON.parse(manifest) as { version?: string });
  } catch {
    const above = dirname(folder);
    if (above !== folder) version = versionFrom(above, name);
  }
  versions.set(key, version);
  return version;
}
