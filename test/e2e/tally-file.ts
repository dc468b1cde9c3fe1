/** A kind of file that only a test has: the decimal digits of one counter, `hits_total`. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FileContext, FileKind, FileWriter, MetricsFile } from '../../src/collector/metrics-file.js';
import { BadFileError } from '../../src/errors.js';
import type { MergedFamily } from '../../src/merge/merged-family.js';
import type { MergedPart, ProcessState } from '../../src/merge/merged-part.js';
import type { MergeIndex } from '../../src/merge/merge-index.js';
import { type FileCheck, problemOf } from '../../src/metrics-file/check.js';
import type { FamilyRecord } from '../../src/metrics-file/record.js';
import { counter } from '../support/declarations.js';

const FAMILY: FamilyRecord = { ...counter('hits_total'), id: 0, registries: ['default'], declaredAt: 1 };

class TallyPart implements MergedPart {
  order = -1;
  state: ProcessState = 'live';
  isRewound = false;
  seriesCount = 0;
  readonly #index: MergeIndex;
  readonly #path: string;
  #family: MergedFamily | undefined;
  #series = -1;
  #count = 0;

  constructor(index: MergeIndex, path: string) {
    this.#index = index;
    this.#path = path;
  }

  /** @throws {BadFileError} where the file does not hold a number */
  read(): void {
    this.isRewound = false;
    this.#count = countIn(this.#path);
    if (this.#series >= 0) return;
    this.#family = this.#index.declare(FAMILY)!;
    this.declareOrder();
    const text = this.#index.schema(this.#family, [], new Map()).text([]);
    this.#series = this.#index.referenceText(this.#family, text, 1, 'active');
    this.seriesCount = 1;
  }

  rewind(): void {
    this.isRewound = true;
    if (this.#series >= 0 && !this.#index.stale) this.#index.dereference(this.#series, 1);
    this.#series = -1;
  }

  remove(): void {
    this.rewind();
    if (this.#family !== undefined) this.#index.retract(this.#family, FAMILY);
  }

  declareOrder(): void {
    if (this.order >= 0) this.#index.order(this.#family!, this.order, 0);
  }

  declareCreated(): void {
    this.#index.noteCreated(this.#series, 1);
  }

  addValues(): void {
    this.#index.cells[this.#index.cellOf[this.#series]] += this.#count;
  }

  unusableFamilies(): string[] {
    return [];
  }

  *ownValues(family: MergedFamily): Generator<readonly [series: number, value: number]> {
    if (family === this.#family) yield [this.#series, this.#count];
  }

  ownCounts = this.ownValues;
}

export class TallyFile implements MetricsFile {
  readonly reader: MetricsFile['reader'];
  readonly fingerprint: string;
  readonly writer: FileWriter;
  readonly part: TallyPart;
  readonly liveness = 'live';
  readonly isFinal = false;
  readonly sizeBytes: number;

  constructor(
    readonly name: string,
    { dir, index }: FileContext,
    readonly kind: FileKind,
  ) {
    const file = join(dir, name);
    const { uid, size, mtimeMs } = statSync(file);
    this.reader = { file, uid, close() {} };
    [this.sizeBytes, this.fingerprint] = [size, String(mtimeMs)];
    const label = name.replaceAll(/\D/g, '');
    this.writer = {
      pid: Number(label),
      threadId: 0,
      label,
      hostName: '',
      startedAt: 1,
      createdAt: 1,
      id: name,
      files: name,
    };
    this.part = new TallyPart(index, file);
  }

  look(): void {}

  read(): Iterable<void> {
    this.part.read();
    return [];
  }
}

export function checkTally(path: string): FileCheck {
  const found = { families: 1, series: 1, blocks: 0 };
  try {
    countIn(path);
    return { ok: true, problems: [], ...found };
  } catch (error) {
    return { ok: false, problems: [problemOf(error)], ...found };
  }
}

function countIn(path: string): number {
  const text = readFileSync(path, 'latin1');
  if (/^\d+$/.test(text)) return Number(text);
  throw new BadFileError('ERR_CORRUPT_FILE', 'not a number', { file: path, offset: 0 });
}
