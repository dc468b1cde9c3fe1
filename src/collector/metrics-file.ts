/** A file of the directory in a collection, whatever program writes it. */
import type { Liveness, LivenessProbe } from '../directory/liveness.js';
import type { Vitals } from '../metrics-file/layout.js';
import type { MergeIndex } from '../merge/merge-index.js';
import type { MergedPart } from '../merge/merged-part.js';
import type { PythonLiveness } from '../python-file/python-liveness.js';
import type { PythonSamples } from '../python-file/python-keys.js';

/** `node`: a process or thread of this package. `archive`: folded counts of dead ones. `python`: a file of client_python. */
export type FileKind = 'node' | 'archive' | 'python';

/** The process or thread that writes a file; for an archive, the process of the last fold. */
export interface FileWriter {
  readonly pid: number;
  readonly threadId: number;
  /** The value of the label `pid`. */
  readonly label: string;
  readonly hostName: string;
  /** Seconds since the epoch. */
  readonly startedAt: number;
  readonly createdAt: number;
  readonly id: string;
  /** Name of its file; a pattern, where it has several. */
  readonly files: string;
}

export interface WriterRecord {
  /** Its last heartbeat, in seconds since the epoch, and its own measurements at that time. */
  readonly lastBeatAt: number;
  readonly vitals: Vitals;
  /** Whether it has ended normally. */
  readonly isClosed: boolean;
  /** Bytes of values that it keeps in memory for lack of room in the file. */
  readonly bytesInMemory: number;
}

export interface MetricsFile {
  readonly kind: FileKind;
  readonly name: string;
  /** The open file: its path and owner. Once closed, it opens the file again for the next reading. */
  readonly reader: { readonly file: string; readonly uid: number; close(): void };
  /** Fingerprint of the file when it was opened: a repaired file, or another file of this name, has a different one. */
  readonly fingerprint: string;
  readonly writer: FileWriter;
  readonly part: MergedPart;
  readonly liveness: Liveness;
  /** Whether it was read after the last write to it: then there is no reason to open it again. */
  readonly isFinal: boolean;
  readonly sizeBytes: number;
  /** The state of the writer as it records it; undefined where it records none. */
  readonly record?: WriterRecord;
  /** Finds out whether the writer is alive. */
  look(nowSeconds: number): void;
  /**
   * Reads the changes of the log, and all values. Pauses where there is much to read.
   *
   * @throws {BadFileError} where the file breaks its format; the system's error where it cannot be read
   */
  read(): Iterable<void>;
}

/** Shared by the files of one collection. */
export interface FileContext {
  readonly dir: string;
  readonly index: MergeIndex;
  readonly probe: LivenessProbe;
  readonly deadRetentionSeconds: number;
  readonly python: { readonly samples: PythonSamples; readonly liveness: PythonLiveness };
}
