/**
 * Typed errors with stable codes. Callers match `err.code`; the text says which value, which rule and what to do, and may
 * change. Where prom-client 15.1.3 has an error of its own, its class and its text are kept (callers match those) and no
 * code is added.
 */
import { brand } from './copies.js';

export type ErrorCode =
  /** An option or argument breaks a rule that is known before anything runs. */
  | 'ERR_INVALID_ARGUMENT'
  /** The directory is refused: a symlink, another owner, not a directory. */
  | 'ERR_DIRECTORY_REFUSED'
  /** The directory is used by a living process and the call needs it unused. */
  | 'ERR_DIRECTORY_IN_USE'
  /** No directory: not in a cluster, PM2 or thread set-up and PROMETHEUS_MULTIPROC_DIR is not set. */
  | 'ERR_NO_DIRECTORY'
  /** The directory or a file in it may not be read by this user. */
  | 'ERR_PERMISSION'
  /** A file of a user whom the owner of the directory has not admitted. */
  | 'ERR_UNTRUSTED_OWNER'
  /** Not a metrics file: another program's, or empty. */
  | 'ERR_NOT_A_METRICS_FILE'
  /** A metrics file of a format version that this release does not read. */
  | 'ERR_UNSUPPORTED_VERSION'
  /** A metrics file whose contents break the format. */
  | 'ERR_CORRUPT_FILE'
  /** No room: disk, quota, inodes, descriptors, or the cap of bytes per process. */
  | 'ERR_NO_SPACE'
  /** The call was made after close(). */
  | 'ERR_CLOSED'
  /** A web configuration file breaks a rule. */
  | 'ERR_WEB_CONFIG';

/** Base of every error of this package that is not prom-client's own. */
export class PromMultiprocError extends Error {
  override readonly name: string = 'PromMultiprocError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

brand(PromMultiprocError, 'PromMultiprocError');

/** Where and how a metrics file breaks the format: enough to find the bytes with a hex dump. */
export interface CorruptionEvidence {
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Bytes needed at that offset, where the rule is about length. */
  readonly requiredBytes?: number;
  /** Bytes that were there. */
  readonly availableBytes?: number;
}

/** A file that cannot be read as a metrics file, with the evidence. */
export class BadFileError extends PromMultiprocError {
  override readonly name = 'BadFileError';

  constructor(
    code: 'ERR_NOT_A_METRICS_FILE' | 'ERR_UNSUPPORTED_VERSION' | 'ERR_CORRUPT_FILE',
    reason: string,
    readonly evidence: CorruptionEvidence,
    options?: ErrorOptions,
  ) {
    const { file, offset, requiredBytes, availableBytes } = evidence;
    const lengths =
      requiredBytes === undefined
        ? ''
        : ` (needs ${requiredBytes} bytes, has ${availableBytes ?? 'an unknown number'})`;
    super(code, `${JSON.stringify(file)} at byte ${offset}: ${reason}${lengths}`, options);
  }
}

brand(BadFileError, 'BadFileError');

/** Whether an error says that a file does not count, for what is in it or whose it is: no system is to blame. */
export function isBadFile(error: unknown): error is PromMultiprocError {
  return error instanceof BadFileError || (error instanceof PromMultiprocError && error.code === 'ERR_UNTRUSTED_OWNER');
}

/**
 * Whether an error is the system's, which has no descriptors or memory left or cannot read its disk. It says nothing about
 * the file that was read at that moment. By the message, for an error that another thread hands over has no code.
 */
export function isSystemTrouble(error: unknown): boolean {
  return error instanceof Error && /^(EMFILE|ENFILE|ENOMEM|EIO)\b/.test(error.message);
}

/** An error's message for a log: on one line and without control characters, for bytes of files end up in it. */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  // oxlint-disable-next-line no-control-regex -- that is what is taken out
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').slice(0, 500);
}
