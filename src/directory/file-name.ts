/**
 * The names that this package gives to files of a metrics directory. Files with other names belong to other programs: they are
 * never opened and never deleted.
 *
 * ```
 * <pid>-<thread>-<id>.prom-mp               one writer's file; id is 16 hexadecimal digits
 * .<pid>-<thread>-<id>.prom-mp.tmp          the same before its writer holds the lock
 * archive-<generation>.prom-mp-archive      dead processes, folded; generation is 12 decimal digits
 * .archive-<generation>.<id>.tmp            the same before it is published
 * dir.lock  fold.lock  scraped              locks; the time of the last scrape
 * fold.lock.lock                            a directory of proper-lockfile
 * push-<id>.lock  push-<id>.members         the leader of a push, and its record; the processes that could lead
 * ```
 */
export const DIRECTORY_LOCK = 'dir.lock';
export const FOLD_LOCK = 'fold.lock';
/** proper-lockfile's name for the lock on FOLD_LOCK. */
export const FOLD_LOCK_DIRECTORY = 'fold.lock.lock';
export const SCRAPED = 'scraped';

export interface DataFileName {
  readonly name: string;
  readonly pid: number;
  /** 0 on the main thread. */
  readonly threadId: number;
  readonly id: string;
}

export interface ArchiveName {
  readonly name: string;
  readonly generation: number;
}

/** 12 digits: at one fold a second, 31,000 years. */
export const MAX_GENERATION = 999_999_999_999;

/** 2^32 - 1 has ten digits; zero-padded and signed forms are refused, so that a number has one form. */
const DATA_FILE = /^([1-9]\d{0,9})-(0|[1-9]\d{0,9})-([0-9a-f]{16})\.prom-mp$/;
const ARCHIVE = /^archive-(\d{12})\.prom-mp-archive$/;
const PUSH = /^push-([0-9a-f]{16})\.(?:lock|members)$/;
const ARCHIVE_TEMPORARY = /^\.archive-(\d{12})\.[0-9a-f]{16}\.tmp$/;

export function dataFileName(writer: { pid: number; threadId: number; id: string }): string {
  return `${writer.pid}-${writer.threadId}-${writer.id}.prom-mp`;
}

export function temporaryName(dataFile: string): string {
  return `.${dataFile}.tmp`;
}

export function archiveName(generation: number): string {
  return `archive-${paddedGeneration(generation)}.prom-mp-archive`;
}

/** @param id 16 random hexadecimal digits: two folds may prepare the same generation */
export function archiveTemporaryName(generation: number, id: string): string {
  return `.archive-${paddedGeneration(generation)}.${id}.tmp`;
}

function paddedGeneration(generation: number): string {
  return String(generation).padStart(12, '0');
}

export function parseDataFileName(name: string): DataFileName | undefined {
  const match = DATA_FILE.exec(name);
  return match === null ? undefined : { name, pid: Number(match[1]), threadId: Number(match[2]), id: match[3] };
}

export function parseArchiveName(name: string): ArchiveName | undefined {
  const match = ARCHIVE.exec(name);
  return match === null ? undefined : { name, generation: Number(match[1]) };
}

/** @param id 16 hexadecimal digits that stand for what is pushed, and where to */
export function pushLockName(id: string): string {
  return `push-${id}.lock`;
}

export function pushMembersName(id: string): string {
  return `push-${id}.members`;
}

export function isPushName(name: string): boolean {
  return PUSH.test(name);
}

/** Whether a file with this name holds the record of a push. */
export function isPushLockName(name: string): boolean {
  return isPushName(name) && name.endsWith('.lock');
}

/** The generation that is prepared under a temporary name; undefined for other names. */
export function generationOfTemporary(name: string): number | undefined {
  const match = ARCHIVE_TEMPORARY.exec(name);
  return match === null ? undefined : Number(match[1]);
}

/** Whether a file with this name was never published, and is a leftover if no process is writing it. */
export function isTemporaryName(name: string): boolean {
  if (!name.startsWith('.') || !name.endsWith('.tmp')) return false;
  return ARCHIVE_TEMPORARY.test(name) || DATA_FILE.test(name.slice(1, -'.tmp'.length));
}

/**
 * Whether the content of a file fits its name. A copy under another name would be counted a second time, and because no
 * process holds its lock, the copied process would count as dead.
 */
export function isNamedAfter(file: DataFileName, writer: { pid: number; threadId: number; id: string }): boolean {
  return dataFileName(writer) === file.name;
}
