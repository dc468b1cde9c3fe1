/** What the short-lived thread of a fold runs. */
import { parentPort, workerData } from 'node:worker_threads';
import { foldDirectory, type FoldOptions } from './fold.js';

export interface FoldTask {
  readonly dir: string;
  readonly options: FoldOptions;
}

const { dir, options } = workerData as FoldTask;
parentPort?.postMessage(foldDirectory(dir, options));
