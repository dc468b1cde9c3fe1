/**
 * Typed errors with stable codes. Callers match `err.code`. The text names the value, the rule and the solution, and may
 * change. Where prom-client 15.1.3 has an error, its class and text are kept, since callers match those, and no code is
 * added.
 */
import { brand } from './copies.js';

export type ErrorCode =
  /** An option or argument breaks a rule that can be checked at once. */
  | 'ERR_INVALID_ARGUMENT'
  /** The directory is not safe: a symlink, owned by another user, or not a directory. */
  | 'ERR_DIRECTORY_REFUSED'
  /** A living process uses the directory, and the call requires that none does. */
  | 'ERR_DIRECTORY_IN_USE'
  /**
   * There is no directory: the process is not in a cluster, PM2 or thread set-up, and PROMETHEUS_MULTIPROC_DIR is not set.
   */
  | 'ERR_NO_DIRECTORY'
  /** This user may not read the directory or a file in it. */
  | 'ERR_PERMISSION'
  /** A file belongs to a user that the owner of the directory has not admitted. */
  | 'ERR_UNTRUSTED_OWNER'
  /** The file is not a metrics file: it is empty, or another program made it. */
  | 'ERR_NOT_A_METRICS_FILE'
  /** The format version of the metrics file is not supported by this release. */
  | 'ERR_UNSUPPORTED_VERSION'
  /** The contents of the metrics file break the format. */
  | 'ERR_CORRUPT_FILE'
  /** A limit is reached: disk, quota, inodes, descriptors, or the maximum bytes per process. */
  | 'ERR_NO_SPACE'
  /** The call was made after close(). */
  | 'ERR_CLOSED'
  /** A web configuration file breaks a rule. */
  | 'ERR_WEB_CONFIG';

/** As ErrorOptions of ES2022, which projects with an older `lib` do not have. */
export interface ErrorCause {
  cause?: unknown;
}

/** The base class of every error of this package that does not copy one of prom-client. */
export class PromMultiprocError extends Error {
  override readonly name: string = 'PromMultiprocError';

  constructor(
    readonly code: ErrorCode,
    message: string,
    options?: ErrorCause,
  ) {
    super(message, options);
  }
}

brand(PromMultiprocError, 'PromMultiprocError');

/** Returns the error for an argument or option that breaks a rule. */
export function invalidArgument(message: string, options?: ErrorCause): PromMultiprocError {
  return new PromMultiprocError('ERR_INVALID_ARGUMENT', message, options);
}

/** A value of any type, as it is quoted in a message. */
export function shownValue(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}

/** The place where a metrics file breaks the format: enough to find the bytes with a hex dump. */
export interface CorruptionEvidence {
  readonly file: string;
  /** Byte offset in the file. */
  readonly offset: number;
  /** Bytes required at that offset, if the rule is about length. */
  readonly requiredBytes?: number;
  /** Bytes available at that offset. */
  readonly availableBytes?: number;
}

/** A file that is not a valid metrics file, with the evidence. */
export class BadFileError extends PromMultiprocError {
  override readonly name = 'BadFileError';

  constructor(
    code: 'ERR_NOT_A_METRICS_FILE' | 'ERR_UNSUPPORTED_VERSION' | 'ERR_CORRUPT_FILE',
    reason: string,
    readonly evidence: CorruptionEvidence,
    options?: ErrorCause,
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

/**
 * Whether an error means that a file is excluded because of its contents or its owner, and not because of a system failure.
 */
export function isBadFile(error: unknown): error is PromMultiprocError {
  return error instanceof BadFileError || (error instanceof PromMultiprocError && error.code === 'ERR_UNTRUSTED_OWNER');
}

/**
 * Whether an error is a failure of the system: no descriptors or memory left, or a disk that cannot be read. Such an error
 * tells nothing about the file that was being read. The message is tested, because an error from another thread has no code.
 */
export function isSystemTrouble(error: unknown): boolean {
  return error instanceof Error && /^(EMFILE|ENFILE|ENOMEM|EIO)\b/.test(error.message);
}

/**
 * Returns the message of an error for a log: on one line and without control characters, because it may contain bytes of
 * files.
 */
export function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message + deniedBy(error) : String(error);
  // oxlint-disable-next-line no-control-regex -- control characters are what it removes
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ').slice(0, 500);
}

/** Names what Node's `--permission` denies, which its message does not. */
function deniedBy(error: Error & { code?: string; permission?: string; resource?: string }): string {
  const { code, permission, resource } = error;
  if (code !== 'ERR_ACCESS_DENIED' || permission === undefined) return '';
  return ` (--permission: ${permission}${resource ? ` of ${JSON.stringify(resource)}` : ''})`;
}
