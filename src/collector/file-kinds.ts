/** The kinds of files that a directory may contain, one row each. */
import { basename } from 'node:path';
import { parseArchiveName, parseDataFileName } from '../directory/file-name.js';
import { checkFile, type FileCheck } from '../metrics-file/check.js';
import { checkPythonFile } from '../python-file/check.js';
import { parsePythonFileName } from '../python-file/file-name.js';
import type { FileContext, FileKind, MetricsFile } from './metrics-file.js';
import { NodeFile } from './node-file.js';
import { PythonMetricsFile } from './python-metrics-file.js';

export interface FileKindRow {
  readonly isNamed: (name: string) => boolean;
  readonly open: (name: string, context: FileContext) => MetricsFile;
  /** Called before the files of this kind are read, where their liveness depends on all of them together. */
  readonly survey?: (names: readonly string[], context: FileContext) => void;
  /** Checks a file against its format. Never throws. */
  readonly check: (path: string) => FileCheck;
}

export const FILE_KINDS: ReadonlyMap<FileKind, FileKindRow> = new Map<FileKind, FileKindRow>([
  [
    'node',
    {
      isNamed: (name) => parseDataFileName(name) !== undefined,
      open: (name, context) => new NodeFile(name, context, 'node'),
      check: checkFile,
    },
  ],
  [
    'archive',
    {
      isNamed: (name) => parseArchiveName(name) !== undefined,
      open: (name, context) => new NodeFile(name, context, 'archive'),
      check: checkFile,
    },
  ],
  [
    'python',
    {
      isNamed: (name) => parsePythonFileName(name) !== undefined,
      open: (name, context) => new PythonMetricsFile(name, context),
      survey: (names, { dir, python }) =>
        python.liveness.survey(
          dir,
          names.map((name) => parsePythonFileName(name)!),
        ),
      check: checkPythonFile,
    },
  ],
]);

function rowOf(name: string): FileKindRow | undefined {
  for (const row of FILE_KINDS.values()) if (row.isNamed(name)) return row;
  return undefined;
}

/** Whether a file has the name of any kind. */
export function isMetricsFile(name: string): boolean {
  return rowOf(name) !== undefined;
}

/** Opens a file by the row of its name. @throws the errors of the kind's constructor */
export function openMetricsFile(name: string, context: FileContext): MetricsFile {
  return rowOf(name)!.open(name, context);
}

export function surveyFiles(names: readonly string[], context: FileContext): void {
  for (const { isNamed, survey } of FILE_KINDS.values()) survey?.(names.filter(isNamed), context);
}

/** Checks a file by the row of its name; with any other name it has to be in this package's format. */
export function checkMetricsFile(path: string): FileCheck {
  return (rowOf(basename(path)) ?? FILE_KINDS.get('node')!).check(path);
}
