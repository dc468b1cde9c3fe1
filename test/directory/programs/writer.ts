/**
 * A process that uses a directory like a writer, without metrics: it holds the directory and creates one file, in the main
 * thread or in a worker thread, with a lock or with heartbeats only.
 * argv: dir, 'main' | 'thread', 'flock' | 'heartbeat'. Reports the file's name when it exists. On 'terminate' it ends the
 * thread; on 'block' it makes the thread wait for ever.
 */
import { openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { dataFileName, temporaryName } from '../../../src/directory/file-name.js';
import { currentIdentity } from '../../../src/directory/identity.js';
import { openDirectory } from '../../../src/directory/open-directory.js';
import type { LivenessMethod } from '../../../src/metrics-file/layout.js';
import { native } from '../../../src/metrics-file/mapping.js';
import { bareHeader } from '../../support/bare-file.js';

const [dir, place, method] = process.argv.slice(2) as [string, 'main' | 'thread', LivenessMethod];

/** A thread cannot lock its file: the main thread locks it, on the thread's descriptor. */
function makeFile(): { name: string; fd: number } {
  const identity = currentIdentity(method);
  const name = dataFileName(identity);
  const temporary = join(dir, temporaryName(name));
  const fd = openSync(temporary, 'wx+', 0o600);
  // An old heartbeat, so that the file counts as alive only for the reason that a test is about.
  writeSync(fd, bareHeader(identity, { heartbeat: identity.createdAt - 1000 }));
  if (method === 'flock') native()?.lockExclusive(fd);
  renameSync(temporary, join(dir, name));
  return { name, fd };
}

if (!isMainThread) {
  parentPort?.on('message', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  parentPort?.postMessage(makeFile());
} else if (place === 'main') {
  openDirectory({ dir, source: 'variable', derived: false });
  process.on('message', () => process.exit());
  process.send?.(makeFile().name);
} else {
  openDirectory({ dir, source: 'variable', derived: false });
  const thread = new Worker(__filename, { argv: process.argv.slice(2) });
  thread.on('message', ({ name, fd }: ReturnType<typeof makeFile>) => {
    if (method === 'flock') native()?.lockExclusive(fd);
    process.send?.(name);
  });
  process.on('message', (request: string) => {
    if (request === 'block') {
      thread.postMessage('wait');
      process.send?.('blocked');
    } else {
      void thread.terminate().then(() => process.send?.('terminated'));
    }
  });
}
