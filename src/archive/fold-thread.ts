/** What the short-lived thread of a fold runs. */
import { parentPort, workerData } from 'node:worker_threads';
import { foldDirectory, type FoldOptions } from './fold.js';
import type { FoldResult } from './fold-result.js';

export interface FoldTask {
  readonly dir: string;
  readonly options: FoldOptions;
  /** Whether somebody wants to hear of it. */
  readonly tellsProgress: boolean;
}

/** Progress, and last the result. */
export type FoldMessage = { readonly read: number; readonly of: number } | { readonly result: FoldResult };

const { dir, options, tellsProgress } = workerData as FoldTask;
const tell = (message: FoldMessage): void => parentPort?.postMessage(message);
tell({ result: foldDirectory(dir, options, tellsProgress ? (read, of) => tell({ read, of }) : undefined) });
