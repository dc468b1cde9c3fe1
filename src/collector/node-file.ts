import { fstatSync } from 'node:fs';
import { join } from 'node:path';
import { dataFileName, isNamedAfter, parseArchiveName, parseDataFileName } from '../directory/file-name.js';
import { pidLabel } from '../directory/identity.js';
import type { Liveness } from '../directory/liveness.js';
import { BadFileError } from '../errors.js';
import { FileState } from '../metrics-file/layout.js';
import { FileReader } from '../metrics-file/reader.js';
import { verifySeal } from '../metrics-file/seal.js';
import { FileView } from '../merge/file-view.js';
import type { ProcessState } from '../merge/merged-part.js';
import { CLOCK_TOLERANCE_SECONDS } from '../model/comparable-time.js';
import type { FileContext, FileWriter, MetricsFile, WriterRecord } from './metrics-file.js';

/**
 * Slots of removed series are not reused for a second: for so long, a series that the log adds after the values were read has
 * its own values or zeros.
 */
const MAX_VALUES_AGE_MS = 900;
const MAX_PASSES = 4;

/** A file of this package: of a process, of a thread, or an archive. */
export class NodeFile implements MetricsFile {
  readonly kind: 'node' | 'archive';
  readonly name: string;
  readonly reader: FileReader;
  readonly part: FileView;
  readonly fingerprint: string;
  readonly writer: FileWriter;
  liveness: Liveness;
  readonly #context: FileContext;
  #readWhenOver = false;
  /** Seconds since the epoch. */
  #foundDeadAt: number | undefined;

  /** @throws the errors of opening it and reading its header; ERR_NOT_A_METRICS_FILE for a copy under another name */
  constructor(name: string, context: FileContext, kind: 'node' | 'archive') {
    this.kind = kind;
    this.name = name;
    this.#context = context;
    this.reader = new FileReader(join(context.dir, name));
    if (kind === 'node') assertOriginal(this.reader, name);
    const { identity } = this.reader.header;
    this.writer = { ...identity, label: pidLabel(identity), files: name };
    this.liveness = kind === 'archive' ? 'dead' : 'unknown';
    const expiredBefore = Date.now() / 1000 - context.deadRetentionSeconds;
    // a gauge in an archive that was not shown per process when it was folded belongs to no single process
    const pid = kind === 'archive' ? '' : this.writer.label;
    this.part = new FileView(context.index, this.reader, kind === 'archive' ? 'dead' : 'live', pid, expiredBefore);
    this.fingerprint = fingerprintOf(this.reader);
  }

  get sizeBytes(): number {
    return this.reader.knownBytes;
  }

  get record(): WriterRecord {
    const { words, vitals } = this.reader;
    const { heartbeat, state, bytesInMemory } = words;
    return { lastBeatAt: heartbeat, vitals, isClosed: state === FileState.Closed, bytesInMemory };
  }

  look(nowSeconds: number): void {
    if (this.kind === 'archive') return;
    const { reader } = this;
    if (!this.isFinal) this.liveness = this.#context.probe.probe(reader.fd, { ...reader.header, ...reader.words });
    this.part.state = this.#stateAt(nowSeconds);
  }

  /** The state of its gauges. A process whose liveness is unknown counts as alive. */
  #stateAt(nowSeconds: number): ProcessState {
    if (this.liveness !== 'dead') return 'live';
    const { heartbeat } = this.reader.words;
    // with a clock that was ahead, its gauges would be kept too long: their age counts from when this reader found the
    // process dead
    this.#foundDeadAt ??= nowSeconds;
    const endedAt = heartbeat <= nowSeconds + CLOCK_TOLERANCE_SECONDS ? heartbeat : this.#foundDeadAt;
    return nowSeconds - endedAt > this.#context.deadRetentionSeconds ? 'expired' : 'dead';
  }

  /** A process without a lock may turn out to be alive, so its file is never final. */
  get isFinal(): boolean {
    return this.#readWhenOver && !this.part.isRewound;
  }

  /** Reads the log, the values, and the log again. Pauses where a part of the file is long. */
  *read(): Generator<void, void> {
    const isArchive = this.kind === 'archive';
    const isOver = isArchive || (this.liveness === 'dead' && this.reader.header.identity.liveness === 'flock');
    // of an archive, all is used or nothing
    if (isArchive) yield* verifySeal(this.reader);
    yield* this.#readAll();
    if (isArchive) assertGeneration(this.part, this.name);
    this.#readWhenOver = isOver;
  }

  *#readAll(): Generator<void, void> {
    for (let pass = 1; ; pass++) {
      let valuesAt: number;
      try {
        while (!this.part.readLog()) yield;
        const { replacements } = this.part;
        valuesAt = performance.now();
        this.reader.readValues();
        while (!this.part.readLog()) yield;
        if (this.part.replacements > replacements && pass < MAX_PASSES) continue;
      } catch (error) {
        // where two new logs were started meanwhile, the second has overwritten the one that was read
        if (!(error instanceof BadFileError) || pass === MAX_PASSES || !this.reader.hasNewLog()) throw error;
        this.part.rewind();
        continue;
      }
      if (performance.now() - valuesAt < MAX_VALUES_AGE_MS || pass === MAX_PASSES) return;
    }
  }
}

/**
 * Changes when the file is another one, is longer or has a new log. Where it is written by calls, it changes with every
 * write; stores through a mapping do not change the modification time.
 */
function fingerprintOf({ fd, words, header }: FileReader): string {
  const { ino, size, mtimeMs } = fstatSync(fd);
  const isMapped = header.identity.liveness === 'flock';
  return [ino, size, words.keyEpoch, words.blockCount, isMapped ? 0 : mtimeMs].join();
}

/**
 * Refuses copies: a copy would count twice, and no process holds its lock, so that its living process would count as dead.
 */
function assertOriginal(reader: FileReader, name: string): void {
  const { identity } = reader.header;
  const parsed = parseDataFileName(name);
  if (parsed !== undefined && isNamedAfter(parsed, identity)) return;
  reader.close();
  const reason = `this is ${dataFileName(identity)} under another name: move or delete the copy`;
  throw new BadFileError('ERR_NOT_A_METRICS_FILE', reason, { file: reader.file, offset: 0 });
}

function assertGeneration({ archive, reader }: FileView, name: string): void {
  if (archive?.generation === parseArchiveName(name)?.generation) return;
  throw new BadFileError('ERR_CORRUPT_FILE', 'an archive under another name', { file: reader.file, offset: 0 });
}
