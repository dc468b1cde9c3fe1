/**
 * The files of worker threads, on the main thread: it creates, locks and maps them, because threads make no native calls,
 * and closes them when the threads end. thread-slot.ts describes the communication.
 * A thread gets its slot when it is started, and then the next slot is created. Once this process counts in a directory, or
 * one of its threads has asked for a file, the file of a thread is created before the thread runs: it is empty until the
 * thread takes it, so that a thread which never counts costs only a descriptor.
 */
import { subscribe } from 'node:diagnostics_channel';
import { closeSync, existsSync, rmSync, writeSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isMainThread, setEnvironmentData, type Worker } from 'node:worker_threads';
import { debug } from '../debug-log.js';
import { dataFileName, temporaryName } from '../directory/file-name.js';
import { type OpenedDirectory, openDirectory } from '../directory/open-directory.js';
import { shared } from '../copies.js';
import { describeError } from '../errors.js';
import { FileState, HEADER } from '../metrics-file/layout.js';
import { createMapped, reserveFor } from '../metrics-file/mapped-bytes.js';
import { native } from '../metrics-file/mapping.js';
import { isUnderTestRunner } from '../test-runner.js';
import { warnOnce } from '../warn-once.js';
import { mappingFor } from './process-file.js';
import { readSettings } from './settings.js';
import { ENVIRONMENT_KEY, type FileRequest, requestFor, SlotState, ThreadSlot } from './thread-slot.js';

/** If more threads than this end at a time, the garbage collector frees the buffers of the others. */
const MAX_SPARE_BUFFERS = 64;

class ThreadFiles {
  readonly #directories = new Map<string, OpenedDirectory>();
  readonly #spareBuffers: SharedArrayBuffer[] = [];
  /** The slot of the thread that is started next. */
  #next: ThreadSlot | undefined;
  /** The request that threads are expected to make. */
  expected: FileRequest | undefined;

  constructor() {
    this.#prepare();
    subscribe('worker_threads', (message) => this.#started((message as { worker: Worker }).worker));
  }

  #prepare(): void {
    try {
      const buffer = this.#spareBuffers.pop() ?? reserveFor(readSettings());
      const { words } = (this.#next = new ThreadSlot(buffer));
      setEnvironmentData(ENVIRONMENT_KEY, { buffer, words });
    } catch (error) {
      // too little address space: threads write their files themselves
      debug('no slots for threads: %s', describeError(error));
      this.#next = undefined;
      setEnvironmentData(ENVIRONMENT_KEY, undefined);
    }
  }

  #started(worker: Worker): void {
    const slot = this.#next;
    this.#prepare();
    if (slot === undefined) return;
    slot.thread = worker.threadId;
    if (this.expected === undefined) void this.#serve(slot);
    else if (slot.change(SlotState.Empty, SlotState.Making)) this.#makeFile(slot, this.expected);
    worker.once('exit', () => this.#ended(slot));
  }

  async #serve(slot: ThreadSlot): Promise<void> {
    await slot.whileIn(SlotState.Empty);
    if (!slot.change(SlotState.Asked, SlotState.Making)) return;
    const request = slot.read('request');
    this.#makeFile(slot, request);
    if (slot.state === SlotState.Ready) this.expected ??= request;
  }

  #makeFile(slot: ThreadSlot, { directory, maxBytes }: FileRequest): void {
    try {
      const calls = mappingFor(directory.dir);
      if (calls === undefined) {
        slot.state = SlotState.None;
        return;
      }
      const { dir, fileMode: mode, group } = this.#open(directory);
      const name = dataFileName({ pid: process.pid, threadId: slot.thread, id: randomBytes(8).toString('hex') });
      const temporaryPath = join(dir, temporaryName(name));
      const { fd } = createMapped(calls, slot.buffer, { temporaryPath, mode, group });
      slot.write('reply', { fd, dir, temporaryPath, maxBytes: Math.min(maxBytes, slot.buffer.maxByteLength) });
      slot.state = SlotState.Ready;
    } catch (error) {
      warnOnce('thread file', `worker threads write their metrics on a timer: ${describeError(error)}`);
      slot.state = SlotState.None;
    }
  }

  /** Opened for the life of the process: threads hold no lock on the directory. */
  #open(directory: FileRequest['directory']): OpenedDirectory {
    let opened = this.#directories.get(directory.dir);
    if (opened === undefined || !existsSync(opened.dir)) {
      opened?.close();
      opened = openDirectory(directory, directory);
      this.#directories.set(directory.dir, opened);
    }
    return opened;
  }

  #ended(slot: ThreadSlot): void {
    const { state } = slot;
    // ends the wait for a request that will not come
    slot.state = SlotState.None;
    if (state === SlotState.Ready || state === SlotState.Taken) this.#close(slot);
    if (this.#spareBuffers.length < MAX_SPARE_BUFFERS) this.#spareBuffers.push(slot.buffer);
  }

  #close(slot: ThreadSlot): void {
    const { fd, temporaryPath } = slot.read('reply');
    try {
      if (existsSync(temporaryPath)) rmSync(temporaryPath, { force: true });
      else writeSync(fd, new Uint32Array([FileState.Closed]), 0, 4, HEADER.state);
    } catch (error) {
      debug('the file of a thread could not be closed normally: %s', describeError(error));
    }
    const calls = native()!;
    calls.unmap(slot.buffer);
    calls.unlock(fd);
    closeSync(fd);
  }
}

const state = shared('thread files', () => ({ files: undefined as ThreadFiles | undefined }));

/**
 * Creates files for the worker threads that this thread starts from now on. Does nothing in a worker thread, nor under a
 * test runner, which may load the package for each test file: the subscription would keep all of them alive.
 */
export function serveThreads(): void {
  if (isMainThread && !isUnderTestRunner()) state.files ??= new ThreadFiles();
}

/** Sets the request that the next threads are expected to make, because their process counts in a file itself. */
export function expectThreads(directory: OpenedDirectory, maxBytes: number): void {
  if (state.files !== undefined) state.files.expected = requestFor(directory, maxBytes);
}
