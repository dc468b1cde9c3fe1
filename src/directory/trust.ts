/**
 * Decides whose files in a metrics directory count. Where only its owner and its group may write to the directory, those
 * two have decided who creates files there, and every file counts. Where every user may write to it (mode 1777), any user
 * can create a file that changes the output, or an archive for which a fold removes genuine files. There only the files of
 * these users count: root, the owner of the directory, the user that reads, and the users in PROM_MULTIPROC_TRUSTED_USERS.
 */
import { statSync } from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import { warnOnce } from '../warn-once.js';

const VARIABLE = 'PROM_MULTIPROC_TRUSTED_USERS';
const WRITABLE_BY_ALL = 0o002;
const ROOT = 0;

/** Whether the files of a user count. */
export type Trust = (uid: number) => boolean;

/** The trust in one directory with its present permissions. On systems without users, everybody is trusted. */
export function trustIn(dir: string): Trust {
  const self = process.geteuid?.();
  const named = process.env[VARIABLE] ?? '';
  if (self === undefined || named === 'all') return () => true;
  const stats = statSync(dir, { throwIfNoEntry: false });
  if (stats === undefined || (stats.mode & WRITABLE_BY_ALL) === 0) return () => true;
  const trusted = new Set([ROOT, self, stats.uid, ...userIds(named)]);
  return (uid) => trusted.has(uid);
}

function userIds(named: string): number[] {
  if (named === '') return [];
  if (/^\d{1,10}(,\d{1,10})*$/.test(named)) return named.split(',').map(Number);
  warnOnce(
    `setting ${VARIABLE}`,
    `${VARIABLE}=${JSON.stringify(named)} is ignored: it must be user ids with commas between them, or all`,
  );
  return [];
}

/** @throws {PromMultiprocError} ERR_UNTRUSTED_OWNER where a file does not count because of its owner */
export function assertTrusted(trust: Trust, { file, uid }: { readonly file: string; readonly uid: number }): void {
  if (trust(uid)) return;
  throw new PromMultiprocError(
    'ERR_UNTRUSTED_OWNER',
    `${JSON.stringify(file)} belongs to uid ${uid}, and every user may write this directory: ` +
      `take that permission away (chmod o-w), or name the user in ${VARIABLE}`,
  );
}
