/** Creates the file of this process or thread: mapped and locked where native calls are available, otherwise written. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { dataFileName, temporaryName } from '../directory/file-name.js';
import { currentIdentity } from '../directory/identity.js';
import type { OpenedDirectory } from '../directory/open-directory.js';
import type { CreateOptions, FileBytes } from '../metrics-file/file-bytes.js';
import type { LivenessMethod } from '../metrics-file/layout.js';
import { MappedBytes, NotMappedError } from '../metrics-file/mapped-bytes.js';
import { isNetworkFileSystem, type Native, native, nativeFailure } from '../metrics-file/mapping.js';
import { FileWriter } from '../metrics-file/writer.js';
import { WrittenBytes } from '../metrics-file/written-bytes.js';
import { describeError } from '../errors.js';
import { requestFor, takeThreadFile } from './thread-slot.js';
import { warnOnce } from '../warn-once.js';

/**
 * Returns a file that readers find: empty, as that of a process which has counted nothing yet.
 *
 * @throws the system's error where the file cannot be created, or cannot get its name; nothing is left behind
 */
export function createProcessFile(directory: OpenedDirectory, maxBytes: number): FileWriter {
  if (!isMainThread) return createThreadFile(directory, maxBytes);
  const calls = mappingFor(directory.dir);
  if (calls !== undefined) {
    try {
      return create(directory, maxBytes, 'flock', (options) => MappedBytes.create(calls, options));
    } catch (error) {
      if (!(error instanceof NotMappedError)) throw error;
      warnOnce('not mapped', `metrics are written on a timer: ${describeError(error)}`);
    }
  }
  return create(directory, maxBytes, 'heartbeat', (options) => new WrittenBytes(options));
}

/** Mapped where the main thread has created a file for this thread. */
function createThreadFile(directory: OpenedDirectory, maxBytes: number): FileWriter {
  const made = takeThreadFile(requestFor(directory, maxBytes));
  return made === undefined
    ? create(directory, maxBytes, 'heartbeat', (options) => new WrittenBytes(options))
    : create(directory, maxBytes, 'flock', () => new MappedBytes(made, made.options));
}

function create(
  directory: OpenedDirectory,
  maxBytes: number,
  liveness: LivenessMethod,
  createBytes: (options: CreateOptions) => FileBytes,
): FileWriter {
  const identity = currentIdentity(liveness);
  const name = dataFileName(identity);
  const options: CreateOptions = {
    temporaryPath: join(directory.dir, temporaryName(name)),
    mode: directory.fileMode,
    group: directory.group,
    maxBytes,
  };
  const bytes = createBytes(options);
  try {
    const writer = new FileWriter(bytes, identity);
    bytes.publish(join(directory.dir, name));
    return writer;
  } catch (error) {
    // the caller tries again every few seconds, and must not leave a descriptor and a file behind each time
    bytes.close();
    rmSync(options.temporaryPath, { force: true });
    throw error;
  }
}

/** The native calls, where files of this directory can be mapped. */
export function mappingFor(dir: string): Native | undefined {
  const calls = native();
  if (calls === undefined) {
    warnOnce('no mmap', `metrics are written on a timer: ${describeError(nativeFailure())}`);
    return undefined;
  }
  if (!isNetworkFileSystem(calls.fileSystemType(dir))) return calls;
  warnOnce(
    'network',
    `metrics are written on a timer: ${JSON.stringify(dir)} is on a file system without coherent mmap`,
  );
  return undefined;
}

/** Closes and removes a file whose counts are in another one. */
export function removeQuietly(writer: FileWriter): void {
  try {
    writer.remove();
  } catch (error) {
    warnOnce('remove', `a file that is not used any more could not be removed: ${describeError(error)}`);
  }
}
