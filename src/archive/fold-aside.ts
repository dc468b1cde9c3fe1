import { type ChildProcess, fork } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import { existsSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { describeError } from '../errors.js';
import { programFile } from '../program-file.js';
import { warnOnce } from '../warn-once.js';
import { foldDirectory, type FoldProgress } from './fold.js';
import type { FoldOptions } from './fold-options.js';
import type { FoldResult } from './fold-result.js';
import type { FoldMessage, FoldTask } from './fold-task.js';

const TASK_FILE = programFile('archive/fold-task.js');

/** The environment variables that a fold needs, and none of those that the application, PM2 or node:cluster reads. */
const VARIABLES = /^(PATH|LD_LIBRARY_PATH|DYLD_LIBRARY_PATH|SystemRoot|TZ|PROM_MULTIPROC_\w+)$/;

/**
 * Folds in a child process, which takes 50 ms to start and ends with the fold. A fold holds locks throughout, and a thread
 * that `process.exit()` or `worker.terminate()` interrupts in such a call aborts its process.
 * Where no process can be started, a thread folds, without the kernel's locks. Where the program file of both is missing (a
 * bundled application) the fold blocks the event loop, and does not use proper-lockfile.
 *
 * @throws the errors of `foldDirectory`
 */
export async function foldAside(dir: string, options: FoldOptions, onProgress?: FoldProgress): Promise<FoldResult> {
  const task = { dir: resolve(dir), options, reportsProgress: onProgress !== undefined };
  const result = existsSync(TASK_FILE) ? await runAside(task, onProgress) : foldDirectory(dir, options, onProgress);
  for (const notice of result.notices) warnOnce(`fold ${dir} ${notice}`, notice);
  return result;
}

async function runAside(task: FoldTask, onProgress?: FoldProgress): Promise<FoldResult> {
  const child = await startProcess();
  if (child === undefined) {
    const thread = new Worker(TASK_FILE, { workerData: task, execArgv: [], name: 'prom-multiproc fold' });
    return resultOf(thread, 'thread', onProgress);
  }
  const result = resultOf(child, 'process', onProgress);
  child.send(task, (error) => {
    if (error !== null) child.emit('error', error);
  });
  return result;
}

function resultOf(folder: EventEmitter, kind: 'process' | 'thread', onProgress?: FoldProgress): Promise<FoldResult> {
  return new Promise((resolved, reject) => {
    folder.on('message', (message: FoldMessage) => {
      if ('result' in message) resolved(message.result);
      else if ('read' in message) onProgress?.(message.read, message.of);
      else reject(Object.assign(new Error(message.error.message), message.error));
    });
    folder.on('error', reject);
    folder.once('exit', (code, signal) => reject(new Error(`the ${kind} of a fold ended with ${signal ?? code}`)));
  });
}

/** Undefined where this program cannot start node: its executable is not node, or it may not start processes. */
async function startProcess(): Promise<ChildProcess | undefined> {
  const isElectron = process.versions.electron !== undefined;
  if (!isElectron && !/^node/i.test(basename(process.execPath))) return undefined;
  const env: NodeJS.ProcessEnv = isElectron ? { ELECTRON_RUN_AS_NODE: '1' } : {};
  for (const [name, value] of Object.entries(process.env)) if (VARIABLES.test(name)) env[name] = value;
  try {
    const child = fork(TASK_FILE, [], {
      env,
      // without the application's flags: modules that it preloads are of no use here
      execArgv: [],
      execPath: process.execPath,
      // the working directory of the application may have been removed
      cwd: dirname(TASK_FILE),
      // Ctrl-C is meant for the application
      detached: process.platform !== 'win32',
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    await new Promise((started, failed) => {
      child.once('spawn', started);
      child.once('error', failed);
    });
    return child;
  } catch (error) {
    warnOnce('fold process', `files of dead processes are folded in a thread: ${describeError(error)}`);
    return undefined;
  }
}
