/** The program of the child process that folds, or of the thread that replaces it. */
import { parentPort, workerData } from 'node:worker_threads';
import { foldDirectory } from './fold.js';
import type { FoldOptions } from './fold-options.js';
import type { FoldResult } from './fold-result.js';

export interface FoldTask {
  readonly dir: string;
  readonly options: FoldOptions;
  readonly reportsProgress: boolean;
}

/** Progress, and last the result or the error. */
export type FoldMessage =
  | { readonly read: number; readonly of: number }
  | { readonly result: FoldResult }
  | { readonly error: { readonly message: string; readonly code: string | undefined } };

function run({ dir, options, reportsProgress }: FoldTask, send: (message: FoldMessage) => void): void {
  try {
    const onProgress = reportsProgress ? (read: number, of: number): void => send({ read, of }) : undefined;
    send({ result: foldDirectory(dir, { ...options, properLockfile: true }, onProgress) });
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    send({ error: { message, code } });
  }
}

if (parentPort === null) {
  // the fold continues where the application has ended meanwhile
  process.once('message', (task: FoldTask) => {
    run(task, (message) => process.send?.(message, () => {}));
    process.disconnect?.();
  });
} else {
  const port = parentPort;
  run(workerData as FoldTask, (message) => port.postMessage(message));
}
