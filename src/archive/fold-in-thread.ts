import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { warnOnce } from '../warn-once.js';
import { foldDirectory, type FoldOptions, type FoldProgress } from './fold.js';
import type { FoldResult } from './fold-result.js';
import type { FoldMessage, FoldTask } from './fold-thread.js';

const THREAD_FILE = join(__dirname, 'fold-thread.js');

/**
 * Folds in a thread of its own, which takes 30 ms to start and ends with the fold. Where its file is not there (a bundled
 * application) the fold holds the event loop up, and goes without proper-lockfile.
 *
 * @throws what `foldDirectory` throws
 */
export async function foldInThread(dir: string, options: FoldOptions, onProgress?: FoldProgress): Promise<FoldResult> {
  const result = existsSync(THREAD_FILE)
    ? await runThread({ dir, options, tellsProgress: onProgress !== undefined }, onProgress)
    : foldDirectory(dir, options, onProgress);
  for (const notice of result.notices) warnOnce(`fold ${dir} ${notice}`, notice);
  return result;
}

function runThread(task: FoldTask, onProgress?: FoldProgress): Promise<FoldResult> {
  return new Promise((resolve, reject) => {
    // without the application's flags: what it preloads has no place here
    const thread = new Worker(THREAD_FILE, { workerData: task, execArgv: [], name: 'prom-multiproc fold' });
    thread.on('message', (message: FoldMessage) => {
      if ('result' in message) resolve(message.result);
      else onProgress?.(message.read, message.of);
    });
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread of a fold ended with ${code}`)));
  });
}
