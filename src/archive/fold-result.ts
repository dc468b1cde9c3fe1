/** What comes of a fold. */
import { BadFileError, PromMultiprocError } from '../errors.js';

/** Why nothing was published. Nothing is lost by it, and the next fold tries again. */
export type FoldAbandonment =
  /** Somebody else is folding. */
  | 'locked'
  /** Somebody else has published meanwhile. */
  | 'superseded'
  /** This process may not write here. */
  | 'not permitted'
  /** The disk, or memory, is full. */
  | 'no room'
  /** The newest archive is there and cannot be read by this process, or by this release. */
  | 'archive unreadable'
  /** The file system has no hard links. */
  | 'no links';

/** Why a data file was left where it is. */
export type FoldSkip =
  | 'live'
  | 'unknown'
  | 'permission'
  | 'owner'
  | 'version'
  | 'corrupt'
  | 'not_a_metrics_file'
  | 'other';

export interface FoldResult {
  /** Of the archive that holds now; 0: there is none. */
  readonly generation: number;
  /** Files whose counts are in the archive since this call. */
  readonly folded: number;
  readonly foldedBytes: number;
  /** Files of the dead that were unlinked, those left by folders that were killed included. */
  readonly removed: number;
  readonly skipped: Readonly<Record<FoldSkip, number>>;
  readonly abandoned?: FoldAbandonment;
  /** Series and size of the archive that this call has published; else 0. */
  readonly series: number;
  readonly archiveBytes: number;
  /** Series for which this call found no room in the archive. */
  readonly droppedSeries: number;
  /** Names of metrics that this call dropped as nobody declares them any more. */
  readonly droppedFamilies: number;
  /** Archives that do not count: they are damaged, lie, or belong to a stranger. They are left for somebody to look at. */
  readonly damagedArchives: readonly string[];
  /** What an operator should see, once. */
  readonly notices: readonly string[];
}

/** Why a file that throws this is left alone. */
export function skipOf(error: unknown): FoldSkip {
  if (error instanceof BadFileError) {
    if (error.code === 'ERR_NOT_A_METRICS_FILE') return 'not_a_metrics_file';
    return error.code === 'ERR_UNSUPPORTED_VERSION' ? 'version' : 'corrupt';
  }
  if (!(error instanceof PromMultiprocError)) return 'other';
  return error.code === 'ERR_UNTRUSTED_OWNER' ? 'owner' : error.code === 'ERR_PERMISSION' ? 'permission' : 'other';
}

/** Why a fold that throws this is off; undefined for what is not the system's doing. */
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
      // the directory itself went away
      return 'superseded';
    default:
      return undefined;
  }
}
