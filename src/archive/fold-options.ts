/** The options of folds, with their defaults and ranges. */
import type { FilePermissions } from '../directory/lock-file.js';
import { invalidArgument, shownValue } from '../errors.js';

/** The permissions are those of the archive, in addition to those of the files in it. */
export interface FoldOptions extends FilePermissions {
  /** How long a dead process's gauges are kept, in modes that keep them. Default 24 h. */
  readonly deadRetentionSeconds?: number;
  /** In the mode `all`, series of this many dead processes are kept. Default 1000. */
  readonly deadRetentionProcesses?: number;
  /** Maximum number of series in the archive; further ones are dropped and counted. Default 1,000,000. */
  readonly maxSeries?: number;
  /** A family that no process has declared for this time is dropped from the archive, and counted. Default 30 days. */
  readonly familyRetentionSeconds?: number;
  /** Whether to use proper-lockfile. Default: only in a worker thread, because it adds listeners for signals. */
  readonly properLockfile?: boolean;
}

export interface FoldThreshold {
  /** Number of files of dead processes. Default 10. */
  readonly files?: number;
  /** Their size in bytes. Default 4 MiB. */
  readonly bytes?: number;
}

/**
 * Whether these dead files justify a fold. The defaults keep a scrape after 10,000 dead processes as fast as after ten:
 * with 31 unfolded files it took 1.64 times as long.
 */
export function foldDue(dead: { files: number; bytes: number }, threshold: FoldThreshold = {}): boolean {
  const { files = 10, bytes = 4 * 1024 * 1024 } = threshold;
  return dead.files > 0 && (dead.files >= files || dead.bytes >= bytes);
}

const DAY_SECONDS = 24 * 3600;
/** Default of `deadRetentionSeconds`. */
export const DEFAULT_DEAD_RETENTION_SECONDS = DAY_SECONDS;

/** The bounds of an archive's contents. */
export type ArchiveLimits = Required<Omit<FoldOptions, keyof FilePermissions | 'properLockfile'>>;

export function archiveLimits(options: FoldOptions): ArchiveLimits {
  return {
    deadRetentionSeconds: options.deadRetentionSeconds ?? DEFAULT_DEAD_RETENTION_SECONDS,
    deadRetentionProcesses: options.deadRetentionProcesses ?? 1000,
    maxSeries: options.maxSeries ?? 1_000_000,
    familyRetentionSeconds: options.familyRetentionSeconds ?? 30 * DAY_SECONDS,
  };
}

const RULES: readonly (readonly [
  name: keyof (FoldOptions & FoldThreshold),
  rule: string,
  isFine: (value: number) => boolean,
])[] = [
  ...(['files', 'bytes', 'maxSeries', 'deadRetentionSeconds', 'familyRetentionSeconds'] as const).map(
    (name) => [name, 'a number above 0', (value: number) => value > 0] as const,
  ),
  ['deadRetentionProcesses', 'a number, and not below 0', (value) => value >= 0],
  ['fileMode', 'permission bits, such as 0o640', (value) => Number.isInteger(value) && value >= 0 && value <= 0o777],
  ['group', 'the id of a group', (value) => Number.isInteger(value) && value >= 0],
];

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where an option of folds is out of its range */
export function assertFoldOptions(options: FoldOptions & FoldThreshold): void {
  for (const [name, rule, isFine] of RULES) {
    const value: unknown = options[name];
    if (value === undefined || (typeof value === 'number' && isFine(value))) continue;
    throw invalidArgument(`fold.${name} is ${shownValue(value)}: it must be ${rule}`);
  }
}
