/**
 * Decides whether a directory may be used: by its owner, by the users that may write to it, and by the target of a symbolic
 * link.
 */
import { lstatSync, readlinkSync, realpathSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { PromMultiprocError } from '../errors.js';
import type { ChosenDirectory } from './choose.js';

export interface CheckedDirectory {
  /** The directory itself: where the chosen path is a symbolic link, its target. */
  readonly dir: string;
  /** Unusual properties that are no reason to refuse the directory. */
  readonly warnings: readonly string[];
}

const INSTEAD = 'name a directory of your own in PROMETHEUS_MULTIPROC_DIR';

/**
 * Checks a directory that exists, without changing anything; for readers too.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED where it is not a directory, or is a link that others could change; where it
 *   is derived, also for any link, for another owner and for permissions that let others write
 * @throws {NodeJS.ErrnoException} ENOENT where the path does not exist
 */
export function checkDirectory({ dir: path, derived }: ChosenDirectory): CheckedDirectory {
  const dir = lstatSync(path).isSymbolicLink() ? targetOf(path, derived) : path;
  const stats = lstatSync(dir);
  const quoted = JSON.stringify(dir);
  if (!stats.isDirectory()) throw refused(`${quoted} is not a directory: remove it, or ${INSTEAD}`);
  const isForeign = isOthers(stats, false);
  const isOpenToAll = process.platform !== 'win32' && (stats.mode & 0o002) !== 0;
  if (derived) {
    const uid = process.geteuid?.();
    if (isForeign) throw refused(`${quoted} belongs to uid ${stats.uid}, this is uid ${uid}: remove it, or ${INSTEAD}`);
    if (isOpenToAll) throw refused(`${quoted} may be written by every user: chmod 700 it, or ${INSTEAD}`);
  }
  const warnings: string[] = [];
  if (isForeign) warnings.push(`${quoted} belongs to another user (uid ${stats.uid})`);
  if (isOpenToAll && (stats.mode & STICKY) === 0) {
    warnings.push(`${quoted} may be written by every user and has no sticky bit: any of them can remove these metrics`);
  }
  return { dir, warnings };
}

/**
 * The same for a reader that may start before the directory exists: the path itself, or the target of the link; undefined
 * where nothing exists yet.
 *
 * @throws {PromMultiprocError} ERR_DIRECTORY_REFUSED
 */
export function existingTarget(chosen: ChosenDirectory): string | undefined {
  try {
    return checkDirectory(chosen).dir;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

const STICKY = 0o1000;
/** The limit of Linux. */
const MAX_LINKS = 40;

/** systemd's `DynamicUser=` and Capistrano name directories by links. */
function targetOf(path: string, derived: boolean): string {
  if (derived) {
    const why = 'is a symbolic link, and a directory that this package chooses is none';
    throw refused(`${JSON.stringify(path)} ${why}: remove it, or ${INSTEAD}`);
  }
  let target = path;
  for (let links = 0; links < MAX_LINKS; links++) {
    const stats = statsOf(target, path);
    if (!stats.isSymbolicLink()) return target;
    assertOursAlone(target, stats);
    target = resolve(realpathSync(dirname(target)), readlinkSync(target));
  }
  throw refused(`${JSON.stringify(path)} leads through more than ${MAX_LINKS} symbolic links: name its target`);
}

function statsOf(target: string, path: string): Stats {
  const stats = lstatSync(target, { throwIfNoEntry: false });
  if (stats !== undefined) return stats;
  const to = JSON.stringify(target);
  throw refused(`${JSON.stringify(path)} is a symbolic link to ${to}, which does not exist: make that directory`);
}

/** Checks that only root and this user can change a link. */
function assertOursAlone(link: string, stats: Stats): void {
  const unlike = `${JSON.stringify(link)} is a symbolic link that others could turn elsewhere`;
  const instead = 'name its target, or have it in directories that only root or this user may write to';
  if (isOthers(stats, true)) throw refused(`${unlike}, for it belongs to uid ${stats.uid}: ${instead}`);
  for (
    let parent = realpathSync(dirname(link)), below = '';
    parent !== below;
    below = parent, parent = dirname(parent)
  ) {
    const { uid, gid, mode } = lstatSync(parent);
    const quoted = JSON.stringify(parent);
    if (isOthers({ uid }, true)) throw refused(`${unlike}, for ${quoted} belongs to uid ${uid}: ${instead}`);
    // in a sticky directory only the owner of an entry may rename it, and the entry was checked before
    if (process.platform === 'win32' || (mode & STICKY) !== 0) continue;
    // the private group of a user has the same number as the user
    const isOpenToGroup = (mode & 0o020) !== 0 && gid !== 0 && gid !== uid;
    if (!isOpenToGroup && (mode & 0o002) === 0) continue;
    const others = isOpenToGroup ? `the group ${gid}` : 'every user';
    throw refused(`${unlike}, for ${others} may write to ${quoted}: ${instead}`);
  }
}

function isOthers({ uid }: Pick<Stats, 'uid'>, trustsRoot: boolean): boolean {
  const own = process.geteuid?.();
  return own !== undefined && uid !== own && !(trustsRoot && uid === 0);
}

function refused(reason: string): PromMultiprocError {
  return new PromMultiprocError('ERR_DIRECTORY_REFUSED', `The metrics directory is refused: ${reason}`);
}
