/**
 * Communication between a worker thread and the main thread of its process: shared memory that the main thread puts into the
 * environment data of each thread that it starts. A thread makes no native calls, so the main thread creates, locks and maps its file.
 *
 * | state | set by | then |
 * |---|---|---|
 * | Empty | main, before the thread starts | the thread may ask |
 * | Asked | the thread, with a request | it waits a moment |
 * | Making | main | the thread waits for the file |
 * | Ready | main, with a reply | the thread may take the file |
 * | Taken | the thread | it counts in the file; main closes the file when the thread has ended |
 * | None | either | the thread writes a file itself, without a mapping |
 */
import { getEnvironmentData, threadId } from 'node:worker_threads';
import type { DirectoryPermissions, OpenedDirectory } from '../directory/open-directory.js';
import type { ChosenDirectory } from '../directory/choose.js';
import type { CreateOptions } from '../metrics-file/file-bytes.js';
import type { MappedFile } from '../metrics-file/mapped-bytes.js';

export const SlotState = { Empty: 0, Asked: 1, Making: 2, Ready: 3, Taken: 4, None: 5 } as const;
export type SlotState = (typeof SlotState)[keyof typeof SlotState];

/** Another layout of the slot needs another name: one process may contain two releases of the package. */
export const ENVIRONMENT_KEY = 'prom-multiproc.thread-slot.1';

export interface FileRequest {
  readonly directory: ChosenDirectory & Pick<DirectoryPermissions, 'fileMode' | 'group'>;
  readonly maxBytes: number;
}

export function requestFor(directory: OpenedDirectory, maxBytes: number): FileRequest {
  const { dir, source, derived, fileMode, group } = directory;
  return { directory: { dir, source, derived, fileMode, group }, maxBytes };
}

interface FileReply extends Pick<CreateOptions, 'temporaryPath' | 'maxBytes'> {
  readonly fd: number;
  /** The directory that the file is for. */
  readonly dir: string;
}

interface Texts {
  readonly request: FileRequest;
  readonly reply: FileReply;
}

/** A file that the main thread has created for this thread. */
export interface ThreadFile extends MappedFile {
  readonly options: CreateOptions;
}

const WORD = Int32Array.BYTES_PER_ELEMENT;
// indexes of words
const STATE = 0;
const THREAD = 1;
// offsets in bytes; each text begins with its length
const TEXTS = { request: 16, reply: 8 * 1024 } as const satisfies Record<keyof Texts, number>;
const TEXT_BYTES = 8 * 1024 - 16;
const SLOT_BYTES = 16 * 1024;

/** A main thread that is not blocked replies within a millisecond (measured); one that starts its application does not. */
const REPLY_MS = 50;
/** The main thread has begun, but a disk may be slow. */
const MAKING_MS = 1000;

export class ThreadSlot {
  /** Address space for the file. */
  readonly buffer: SharedArrayBuffer;
  readonly words: Int32Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer, words = new Int32Array(new SharedArrayBuffer(SLOT_BYTES))) {
    this.buffer = buffer;
    this.words = words;
  }

  get state(): number {
    return Atomics.load(this.words, STATE);
  }

  set state(state: SlotState) {
    Atomics.store(this.words, STATE, state);
    Atomics.notify(this.words, STATE);
  }

  /** The only thread that may use the slot. The main thread learns its id a moment after the thread was started. */
  get thread(): number {
    Atomics.wait(this.words, THREAD, 0, REPLY_MS);
    return Atomics.load(this.words, THREAD);
  }

  set thread(id: number) {
    Atomics.store(this.words, THREAD, id);
    Atomics.notify(this.words, THREAD);
  }

  /** Returns false where the state has changed meanwhile. */
  change(from: SlotState, to: SlotState): boolean {
    if (Atomics.compareExchange(this.words, STATE, from, to) !== from) return false;
    Atomics.notify(this.words, STATE);
    return true;
  }

  /** Waits as long as the slot has this state. */
  wait(state: SlotState, timeoutMs: number): void {
    Atomics.wait(this.words, STATE, state, timeoutMs);
  }

  /** The same, without blocking this thread or keeping its process alive. */
  async whileIn(state: SlotState): Promise<void> {
    const { value } = Atomics.waitAsync(this.words, STATE, state);
    await value;
  }

  /** @throws where the message has no room, for example because of a very long path */
  write<K extends keyof Texts>(text: K, message: Texts[K]): void {
    const json = Buffer.from(JSON.stringify(message));
    if (json.length > TEXT_BYTES - WORD) throw new Error(`no room for ${json.length} bytes of ${text}`);
    this.words[TEXTS[text] / WORD] = json.length;
    Buffer.from(this.words.buffer, TEXTS[text] + WORD).set(json);
  }

  read<K extends keyof Texts>(text: K): Texts[K] {
    const length = this.words[TEXTS[text] / WORD];
    return JSON.parse(Buffer.from(this.words.buffer, TEXTS[text] + WORD, length).toString('utf8')) as Texts[K];
  }
}

/** Called in a worker thread: takes the file that the main thread has created for it. Undefined where it creates none. */
export function takeThreadFile(request: FileRequest): ThreadFile | undefined {
  const shared = getEnvironmentData(ENVIRONMENT_KEY) as unknown as Pick<ThreadSlot, 'buffer' | 'words'> | undefined;
  if (shared === undefined) return undefined;
  const slot = new ThreadSlot(shared.buffer, shared.words);
  // the slot of the thread that started this one
  if (slot.thread !== threadId) return undefined;
  slot.write('request', request);
  slot.change(SlotState.Empty, SlotState.Asked);
  slot.wait(SlotState.Asked, REPLY_MS);
  if (slot.change(SlotState.Asked, SlotState.None)) return undefined;
  slot.wait(SlotState.Making, MAKING_MS);
  if (slot.state !== SlotState.Ready) return undefined;
  const { fd, dir, temporaryPath, maxBytes } = slot.read('reply');
  if (dir !== request.directory.dir || !slot.change(SlotState.Ready, SlotState.Taken)) return undefined;
  return { fd, buffer: slot.buffer, options: { temporaryPath, maxBytes } };
}
