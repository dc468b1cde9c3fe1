import type { SkipReason } from '../directory/skip-reason.js';
import type { ArchiveLosses } from './archive-record.js';

/** Why nothing was published. No counts are lost, and the next fold tries again. */
export type FoldAbandonment =
  /** Another process is folding. */
  | 'locked'
  /** Another process has published meanwhile. */
  | 'superseded'
  /** This process may not write here. */
  | 'not permitted'
  /** The disk, or memory, is full. */
  | 'no room'
  /** The newest archive exists, but this process, or this release, cannot read it. */
  | 'archive unreadable'
  /** The file system has no hard links. */
  | 'no links';

/** Why a data file was not folded. */
export type FoldSkip = 'live' | 'unknown' | SkipReason;

/** The losses are those of this call. */
export interface FoldResult extends ArchiveLosses {
  /** Generation of the archive that counts now; 0: there is none. */
  readonly generation: number;
  /** Number of files that this call has added to the archive. */
  readonly folded: number;
  readonly foldedBytes: number;
  /** Number of files of dead processes that were unlinked, also files that killed folds have left. */
  readonly removed: number;
  readonly skipped: Readonly<Record<FoldSkip, number>>;
  readonly abandoned?: FoldAbandonment;
  /** Series and size of the archive that this call has published; else 0. */
  readonly series: number;
  readonly archiveBytes: number;
  /** Archives that do not count: damaged, with false claims, or of an untrusted owner. They stay, to be inspected. */
  readonly damagedArchives: readonly string[];
  /** Messages for the operator, each to be logged once. */
  readonly notices: readonly string[];
}

/** The reason to abandon a fold, for an error; undefined for an error that the system has not caused. */
export function abandonmentOf(error: unknown): FoldAbandonment | undefined {
  if (error instanceof RangeError) return 'no room';
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ELOOP':
      return 'not permitted';
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOMEM':
    case 'EFBIG':
    case 'EIO':
      return 'no room';
    case 'ENOSYS':
    case 'ENOTSUP':
    case 'EOPNOTSUPP':
    case 'EMLINK':
      return 'no links';
    case 'ENOENT':
      // the directory itself was removed
      return 'superseded';
    default:
      return undefined;
  }
}
