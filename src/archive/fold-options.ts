import { invalidArgument } from '../errors.js';
import type { FoldOptions, FoldThreshold } from './fold.js';

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
    const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
    throw invalidArgument(`fold.${name} is ${shown}: it must be ${rule}`);
  }
}
