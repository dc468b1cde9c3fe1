import { type ErrorCode, PromMultiprocError } from '../errors.js';

/** Why a file of a directory is not part of the output. */
export const SKIP_REASONS = ['not_a_metrics_file', 'version', 'corrupt', 'owner', 'permission', 'other'] as const;
export type SkipReason = (typeof SKIP_REASONS)[number];

const REASONS: Readonly<Partial<Record<ErrorCode, SkipReason>>> = {
  ERR_NOT_A_METRICS_FILE: 'not_a_metrics_file',
  ERR_UNSUPPORTED_VERSION: 'version',
  ERR_UNTRUSTED_OWNER: 'owner',
  ERR_PERMISSION: 'permission',
};

/** The reason to skip a file, for an error that it caused. */
export function skipReason(error: unknown): SkipReason {
  if (!(error instanceof PromMultiprocError)) return 'other';
  return REASONS[error.code] ?? 'corrupt';
}

/** Whether no process counts such a file. For the other reasons, one of another user or release may. */
export function isSkippedByAll(reason: SkipReason): boolean {
  return reason === 'not_a_metrics_file' || reason === 'corrupt' || reason === 'owner';
}
