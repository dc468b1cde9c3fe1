/**
 * Whose files in a metrics directory count. Where the directory may be written by its owner and its group only, those two
 * have decided who makes files there, and every file counts. Where every user may write it (mode 1777), any of them can
 * plant a file that changes what is shown, or an archive for which a fold removes genuine files: there the files count of
 * root, of the directory's owner, of the user who reads, and of the users that PROM_MULTIPROC_TRUSTED_USERS names.
 */
import { statSync } from 'node:fs';
import { PromMultiprocError } from '../errors.js';
import { warnOnce } from '../warn-once.js';

const VARIABLE = 'PROM_MULTIPROC_TRUSTED_USERS';
const WRITABLE_BY_ALL = 0o002;
const ROOT = 0;

/** Whether the files of a user count. */
export type Trust = (uid: number) => boolean;

/** Of one directory, as its permissions are now. Everybody is trusted where the system has no users. */
export function trustIn(dir: string, env: Readonly<Record<string, string | undefined>> = process.env): Trust {
  const self = process.geteuid?.();
  const named = env[VARIABLE] ?? '';
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
    `${VARIABLE}=${JSON.stringify(named)} is passed over: it is to be user ids with commas between them, or all`,
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
