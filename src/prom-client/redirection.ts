/**
 * Chooses the file that a request for prom-client gets under the preload hook. The hooks connect this to the module systems.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import { debug } from '../debug-log.js';
import { warnOnce } from '../warn-once.js';

/** dist/src. Requests from files below it are not redirected. */
const HERE = dirname(__dirname);
const ROOT = join(HERE, 'root.js');
const DEEP = join(__dirname, 'lib');
export const REPLACED = ['prom-client', '@prometheus-io/client', '@platformatic/prom-client'];

/** A request by the name of a replaced package, which need not be installed. */
const BY_NAME = new RegExp(`^(${REPLACED.join('|')})(?:/|$)`);
/** A request for a package by any name, which may be an alias, or an entry of `imports` in a package.json. */
const FOR_PACKAGE = /^(?![a-z]+:)[^./\\]/i;
const WITHOUT_PATH = /^(?:@[^/]+\/)?[^/]+$/;

/** Until this release, `metrics()` of prom-client returned a string, where this package returns a promise. */
const FIRST_MAJOR = 13;

/** A module of a replaced package was requested that has no counterpart in this package. */
class NoCounterpartError extends Error {
  /** The code of a missing file: programs that try to load a file and continue without it then continue here too. */
  readonly code = 'MODULE_NOT_FOUND';

  constructor(name: string, specifier: string, parent: string | undefined) {
    super(
      `prom-multiproc/register stands in for ${JSON.stringify(name)} and has no counterpart of ${JSON.stringify(specifier)}` +
        (parent === undefined ? '' : `, which ${JSON.stringify(parent)} asks for`) +
        ': load it without the hook, or open an issue that describes its use',
    );
  }
}

/** Whether a request of this file may be redirected, so that it has to be resolved first. */
export function mayBeRedirected(specifier: string, parent: string | undefined): boolean {
  return FOR_PACKAGE.test(specifier) && parent?.startsWith(HERE + sep) !== true;
}

/**
 * @param parent the path of the requesting file
 * @param resolved the path of the file that it would get; undefined where there is none
 * @returns the path of our file; undefined if the request is for another package or must not be redirected
 * @throws {NoCounterpartError}
 */
export function redirected(
  specifier: string,
  parent: string | undefined,
  resolved: string | undefined,
): string | undefined {
  // another hook has redirected it
  if (resolved?.startsWith(HERE + sep) === true) return undefined;
  const found = resolved !== undefined && isAbsolute(resolved) ? packageAround(dirname(resolved)) : undefined;
  const requested = BY_NAME.exec(specifier)?.[1];
  const name = requested ?? found?.name;
  if (name === undefined || !REPLACED.includes(name)) return undefined;
  let file = '';
  if (requested !== undefined) file = specifier.slice(requested.length + 1);
  else if (!WITHOUT_PATH.test(specifier)) file = relative(found!.folder, resolved!);
  const path = counterpartOf(file.replace(/\.js$/, ''));
  // not redirected: programs read the version in it
  if (path === 'package.json') return undefined;
  if (name === 'prom-client' && isTooOld(found?.version, parent)) return undefined;
  if (path === undefined) throw new NoCounterpartError(name, specifier, parent);
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
function isTooOld(version: string | undefined, parent: string | undefined): boolean {
  if (version === undefined || Number.parseInt(version, 10) >= FIRST_MAJOR) return false;
  warnOnce(
    'old prom-client',
    `${JSON.stringify(parent ?? 'the main program')} gets its own prom-client ${version}, whose metrics() is synchronous, and its metrics are not merged: update prom-client to ${FIRST_MAJOR} or later`,
  );
  return true;
}

interface Package {
  readonly folder: string;
  readonly name?: string;
  readonly version?: string;
}

const packages = new Map<string, Package | undefined>();

/** Returns the package that a folder belongs to: that of the nearest package.json with a name. */
function packageAround(folder: string): Package | undefined {
  if (packages.has(folder)) return packages.get(folder);
  let found: Package | undefined;
  try {
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Omit<Package, 'folder'>;
    if (name !== undefined) found = { folder, name, version };
  } catch {
    // the package.json of a folder above
  }
  const above = dirname(folder);
  if (found === undefined && above !== folder) found = packageAround(above);
  packages.set(folder, found);
  return found;
}
