/** A file of the directory as a collection sees it, whatever program writes it. */
import type { Liveness, LivenessProbe } from '../directory/liveness.js';
import { BadFileError, PromMultiprocError } from '../errors.js';
import type { MergeIndex } from '../merge/merge-index.js';
import type { MergedPart } from '../merge/merged-part.js';
import type { PythonLiveness } from '../python-file/python-liveness.js';
import type { PythonSamples } from '../python-file/python-keys.js';

/** `node`: a process or thread of this package. `archive`: what folding made of dead ones. `python`: client_python's. */
export type FileKind = 'node' | 'archive' | 'python';

/** The process or thread that writes a file; of an archive, who folded last. */
export interface FileWriter {
  readonly pid: number;
  readonly threadId: number;
  /** As the label `pid` shows it. */
  readonly label: string;
  readonly hostName: string;
  /** Seconds since the epoch. */
  readonly startedAt: number;
  readonly createdAt: number;
  readonly id: string;
}

export interface MetricsFile {
  readonly kind: FileKind;
  readonly name: string;
  /** The path, and whose file it is. */
  readonly file: string;
  readonly uid: number;
  /** Of the file as it was opened: a file that was mended, or another one of this name, has another. */
  readonly fingerprint: string;
  readonly writer: FileWriter;
  /** What it adds to the merge. */
  readonly part: MergedPart;
  readonly liveness: Liveness;
  /** Whether it was read after the last word was written to it: then there is no reason to open it again. */
  readonly isFinal: boolean;
  /** Bytes that were read. */
  readonly sizeBytes: number;
  /** Seconds since the epoch of the writer's last heartbeat; undefined where it has none. */
  readonly lastBeatAt: number | undefined;
  /** What its writer counts in memory for want of room in the file. */
  readonly bytesInMemory: number;
  /** Finds out whether the writer is alive. */
  look(nowSeconds: number): void;
  /**
   * Takes in what is new, and reads all values.
   *
   * @throws {BadFileError} where the file breaks its format; the system's error where it cannot be read
   */
  read(): void;
  /** Gives the descriptor back until the next reading. */
  suspend(): void;
  close(): void;
}

/** What the files of one collection share. */
export interface FileContext {
  readonly dir: string;
  readonly index: MergeIndex;
  readonly probe: LivenessProbe;
  /** How long the gauges of a dead process are kept in the modes that keep them. */
  readonly deadRetentionSeconds: number;
  readonly python: { readonly samples: PythonSamples; readonly liveness: PythonLiveness };
}

/** Why a file is not part of the output. */
export const SKIP_REASONS = ['not_a_metrics_file', 'version', 'corrupt', 'owner', 'permission', 'other'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

export function skipReason(error: unknown): SkipReason {
  if (error instanceof BadFileError) {
    if (error.code === 'ERR_NOT_A_METRICS_FILE') return 'not_a_metrics_file';
    return error.code === 'ERR_UNSUPPORTED_VERSION' ? 'version' : 'corrupt';
  }
  const code: string | undefined = (error as NodeJS.ErrnoException).code;
  // O_NOFOLLOW on a symlink
  if (code === 'ELOOP') return 'not_a_metrics_file';
  if (code === 'ERR_UNTRUSTED_OWNER') return 'owner';
  if (code === 'ERR_PERMISSION' || code === 'EACCES' || code === 'EPERM') return 'permission';
  return error instanceof PromMultiprocError ? 'corrupt' : 'other';
}
