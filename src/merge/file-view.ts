/**
 * One file's part in the merge: which of its slots go to which cells. It hears the file's log and keeps a map per block,
 * so that adding the file's values is one flat loop a block.
 */
import { archiveRecord, type ArchiveRecord } from '../directory/archive-record.js';
import { BadFileError } from '../errors.js';
import { BlockKind, RecordKind, SKETCH } from '../mapped-file/layout.js';
import { type ExemplarReading, readExemplarCell } from '../mapped-file/exemplar-cell.js';
import type { FileReader, LogVisitor, ReaderBlock } from '../mapped-file/reader.js';
import { checkFamilyRecord, type FamilyRecord } from '../mapped-file/record.js';
import { EXEMPLAR_SHAPE, seriesShape, sketchChunkShape, type SlotShape } from '../mapped-file/slot-shape.js';
import type { GaugeMode } from '../model/gauge-mode.js';
import type { Sign } from '../model/sketch.js';
import { bucketCells, type MergedFamily } from './merged-family.js';
import { type MergeIndex, NOWHERE } from './merge-index.js';
import type { Schema } from './schema.js';

/** How a process's gauges count. */
export type ProcessState = 'live' | 'dead' | 'expired';

interface LocalFamily {
  readonly record: FamilyRecord;
  readonly shape: SlotShape;
  /** Undefined where no wanted registry shows it. */
  readonly merged: MergedFamily | undefined;
  readonly schema: Schema | undefined;
  /** Histograms: where each slot goes, from the series' first cell. */
  readonly buckets: Int32Array | undefined;
}

/** The newest declaration of a family, and how many the log has had of it. */
interface Declared {
  readonly record: FamilyRecord;
  readonly merged: MergedFamily | undefined;
  readonly count: number;
  /** How many of them were met since the log was last taken in from its beginning. */
  met: number;
}

/** A registry's default labels, counted as declarations are. */
interface DefaultLabels {
  labels: Readonly<Record<string, string>>;
  count: number;
  met: number;
}

/** What one block's slots are. Index: slot, or for gauges slot / 2. */
interface BlockMap {
  cells: Int32Array;
  /** Merged series + 1 at the first slot of each series; 0 elsewhere. */
  series: Int32Array;
  /** Gauges only: the mode of each pair. */
  modes: (GaugeMode | undefined)[];
}

interface Chunk {
  readonly block: number;
  readonly slot: number;
  readonly owner: readonly [block: number, slot: number];
  readonly series: number;
  readonly sign: number;
  readonly chunk: number;
  readonly windows: number;
  readonly windowSeconds: number;
}

interface ExemplarCell {
  readonly block: number;
  readonly slot: number;
  readonly owner: readonly [block: number, slot: number];
  readonly slotOffset: number;
}

export class FileView implements LogVisitor {
  readonly reader: FileReader;
  /** Place in the order of files: the archive, then oldest first. */
  order = 0;
  /** Archives only. */
  archive: ArchiveRecord | undefined;
  #isRewound = false;
  readonly #index: MergeIndex;
  readonly #pid: string;
  #state: ProcessState;
  readonly #expiredBefore: number;
  readonly #families = new Map<number, LocalFamily>();
  /** What the log has declared as a whole, kept while it is taken in again from its beginning. */
  readonly #declared = new Map<number, Declared>();
  /** Of the log that was last taken in from its beginning. */
  #keyEpoch = -1;
  readonly #maps: (BlockMap | undefined)[] = [];
  readonly #chunks = new Map<string, Chunk>();
  readonly #exemplars = new Map<string, ExemplarCell>();
  /** Default labels per registry: what the log said last, and what the series here were merged with. */
  readonly #defaults = new Map<string, DefaultLabels>();
  #appliedDefaults = '';

  /**
   * @param pid the label of the process in the modes that show each
   * @param expiredBefore archives only: series of gauges whose process ended before (seconds since the epoch) are left out
   */
  constructor(index: MergeIndex, reader: FileReader, state: ProcessState, pid: string, expiredBefore = 0) {
    this.#index = index;
    this.reader = reader;
    this.#state = state;
    this.#pid = pid;
    this.#expiredBefore = expiredBefore;
  }

  get state(): ProcessState {
    return this.#state;
  }

  /** Its process has died, or been dead for too long: its gauges are looked at anew. */
  set state(state: ProcessState) {
    if (state === this.#state) return;
    this.#state = state;
    this.rewind();
  }

  /** Whether it waits to be taken in anew. */
  get isRewound(): boolean {
    return this.#isRewound;
  }

  /** Series here, shown or not. */
  get seriesCount(): number {
    let count = 0;
    for (const map of this.#maps) if (map !== undefined) for (const series of map.series) if (series !== 0) count++;
    return count;
  }

  /**
   * Takes in what is new in the log. Where the default labels have changed, all series are merged anew under the new ones.
   *
   * @throws {BadFileError} where the file breaks the format
   */
  readLog(): void {
    this.#isRewound = false;
    this.reader.readLog(this);
    const defaults = JSON.stringify([...this.#defaults].map(([registry, { labels }]) => [registry, labels]));
    if (defaults === this.#appliedDefaults) return;
    this.#appliedDefaults = defaults;
    this.rewind();
    this.reader.readLog(this);
    this.#isRewound = false;
  }

  /** Everything is taken in anew by the next `readLog`. */
  rewind(): void {
    this.#isRewound = true;
    this.#forgetSeries();
    this.reader.rewind();
  }

  /** The file is gone: so are its series, if no other has them. */
  remove(): void {
    this.#forgetSeries();
    for (const { record, merged } of this.#declared.values()) {
      if (merged !== undefined) this.#index.retract(merged, record);
    }
    this.#declared.clear();
  }

  restart(): void {
    this.#forgetSeries();
    const { keyEpoch } = this.reader.words;
    const isSameLog = keyEpoch === this.#keyEpoch;
    this.#keyEpoch = keyEpoch;
    for (const [id, declared] of this.#declared) {
      if (isSameLog) declared.met = 0;
      // a log that began anew has one declaration of each family, the newest
      else this.#declared.set(id, { ...declared, count: 0, met: 0 });
    }
    for (const said of this.#defaults.values()) {
      said.met = 0;
      if (!isSameLog) said.count = 0;
    }
  }

  series(
    familyId: number,
    blockNumber: number,
    slot: number,
    createdAt: number,
    endedAt: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
  ): void {
    const family = this.#families.get(familyId);
    if (family === undefined) throw this.#corrupt(`a series of family ${familyId}, which is not declared`);
    const { shape, merged, schema } = family;
    const block = this.#slots(blockNumber, slot, shape);
    if (merged === undefined || schema === undefined || !this.#counts(merged, shape, endedAt)) return;
    const map = this.#mapOf(block);
    this.#release(block, map, slot);
    let series: number;
    try {
      series = this.#index.reference(schema, bytes, keyStart, keyEnd, createdAt);
    } catch (error) {
      throw this.#corrupt(`the key of a series cannot be decoded: ${String(error)}`);
    }
    const cell = this.#index.cellOf[series];
    if (shape.kind === BlockKind.Gauge) {
      map.cells[slot >> 1] = cell;
      map.modes[slot >> 1] = merged.mode;
      map.series[slot >> 1] = series + 1;
      return;
    }
    map.series[slot] = series + 1;
    const { buckets } = family;
    if (buckets === undefined) for (let at = 0; at < shape.slots; at++) map.cells[slot + at] = cell + at;
    else for (let at = 0; at < shape.slots; at++) map.cells[slot + at] = cell + buckets[at];
  }

  other(kind: number, body: () => unknown): void {
    switch (kind) {
      case RecordKind.Family:
        this.#declare(body());
        return;
      case RecordKind.Removal: {
        const { block: number, slot } = addressOf(body());
        const block = this.reader.block(number);
        const map = this.#maps[number];
        if (block !== undefined && map !== undefined) this.#release(block, map, slot);
        this.#chunks.delete(`${number}:${slot}`);
        this.#exemplars.delete(`${number}:${slot}`);
        return;
      }
      case RecordKind.DefaultLabels: {
        const { registry, labels } = body() as { registry?: unknown; labels?: unknown };
        if (typeof registry !== 'string' || !isLabels(labels)) throw this.#corrupt('default labels that are none');
        this.#setDefaults(registry, labels);
        return;
      }
      case RecordKind.SketchChunk:
        this.#addChunk(body());
        return;
      case RecordKind.ExemplarCell:
        this.#addExemplar(body());
        return;
      case RecordKind.Archive:
        this.archive = archiveRecord(body());
        if (this.archive === undefined) throw this.#corrupt('an archive that names nothing');
        break;
      default:
      // a kind of a later minor version
    }
  }

  /** Adds the values that were read last to the index's cells. */
  addValues(nowSeconds: number): void {
    const { cells } = this.#index;
    for (let number = 0; number < this.#maps.length; number++) {
      const map = this.#maps[number];
      const block = this.reader.block(number);
      if (map === undefined || block === undefined) continue;
      const extent = Math.min(block.extent, block.values.length);
      if (block.kind === BlockKind.Gauge) this.#addGauges(map, block.values, extent);
      else addSums(cells, map.cells, block.values, extent);
    }
    for (const chunk of this.#chunks.values()) this.#addSketch(chunk, nowSeconds);
    for (const cell of this.#exemplars.values()) this.#addExemplarValue(cell);
  }

  /** What this file by itself says of the series of a counter or a gauge, as it was read last. */
  *ownValues(family: MergedFamily): Generator<readonly [series: number, value: number]> {
    for (const [number, map] of this.#maps.entries()) {
      const block = this.reader.block(number);
      if (map === undefined || block === undefined) continue;
      const { kind, values } = block;
      for (let at = 0; at < map.series.length; at++) {
        const series = map.series[at] - 1;
        if (series < 0 || this.#index.familyOf[series] !== family) continue;
        if (kind !== BlockKind.Gauge) yield [series, values[at] ?? 0];
        else if ((values[2 * at + 1] ?? 0) !== 0) yield [series, values[2 * at]];
      }
    }
  }

  #addGauges(map: BlockMap, values: Float64Array, extent: number): void {
    const index = this.#index;
    const { cells } = index;
    // series that are not shown have slots, but need not have a place in the map
    const end = Math.min(extent >> 1, map.cells.length);
    for (let at = 0; at < end; at++) {
      const cell = map.cells[at];
      const setAt = values[2 * at + 1];
      if (cell === NOWHERE || setAt === 0) continue;
      const mode = map.modes[at]!;
      if (mode.perProcess && cells[cell + 2] > 0) index.pidConflicts++;
      mode.reduce(cells, cell, values[2 * at], setAt);
    }
  }

  #addSketch(chunk: Chunk, nowSeconds: number): void {
    const values = this.reader.block(chunk.block)?.values;
    const end = chunk.slot + chunk.windows * SKETCH.windowSlots;
    if (values === undefined || end > values.length) return;
    const epoch = chunk.windowSeconds > 0 ? Math.floor(nowSeconds / chunk.windowSeconds) + 1 : 1;
    const bins = this.#index.sketchOf(chunk.series).chunk(chunk.sign as Sign, chunk.chunk);
    for (let from = chunk.slot; from < end; from += SKETCH.windowSlots) {
      // a window that has slid out, or one that its writer has just emptied
      if (!(values[from] > epoch - chunk.windows && values[from] <= epoch + 1)) continue;
      for (let bin = 0; bin < SKETCH.bins; bin++) bins[bin] += values[from + 1 + bin];
    }
  }

  #addExemplarValue(cell: ExemplarCell): void {
    const block = this.reader.block(cell.block);
    const map = this.#maps[cell.owner[0]];
    if (block === undefined || map === undefined || cell.slot + EXEMPLAR_SHAPE.slots > block.values.length) return;
    const target = map.cells[cell.owner[1] + cell.slotOffset];
    if (target === undefined || target === NOWHERE) return;
    const reading: ExemplarReading | undefined = readExemplarCell(block.values, cell.slot);
    if (reading === undefined) return;
    const known = this.#index.exemplars.get(target);
    if (known === undefined || (known.timestamp ?? 0) <= (reading.timestamp ?? 0)) {
      this.#index.exemplars.set(target, reading);
    }
  }

  #declare(body: unknown): void {
    let record: FamilyRecord;
    try {
      record = checkFamilyRecord(body);
    } catch (error) {
      throw this.#corrupt(String(error));
    }
    const before = this.#declared.get(record.id);
    let merged: MergedFamily | undefined;
    if (before !== undefined && ++before.met <= before.count) {
      // taken in again: what was declared last holds from the start, or a family shown elsewhere later would be merged
      // under its first registries, and found to be wrong, again and again
      ({ record, merged } = before);
    } else {
      if (before?.merged !== undefined) this.#index.retract(before.merged, before.record);
      merged = this.#index.declare(record);
      const count = (before?.count ?? 0) + 1;
      this.#declared.set(record.id, { record, merged, count, met: count });
      // a family that is shown elsewhere than before takes its series along
      if (before !== undefined && (before.merged === undefined) !== (merged === undefined)) this.#index.stale = true;
    }
    let schema: Schema | undefined;
    let buckets: Int32Array | undefined;
    if (merged !== undefined) {
      this.#index.order(merged, this.order, record.id);
      if (merged.accepts(record)) {
        schema = this.#index.schema(merged, record.labelNames, this.#addedLabels(record, merged));
        if (merged.type === 'histogram') buckets = bucketCells(record.bounds ?? [], merged.bounds);
      }
    }
    this.#families.set(record.id, { record, shape: seriesShape(record), merged, schema, buckets });
  }

  /** Says again which families it declared, for the order of families. */
  declareOrder(): void {
    for (const { record, merged } of this.#families.values()) {
      if (merged !== undefined) this.#index.order(merged, this.order, record.id);
    }
  }

  /** Those that were said last hold from the start of a log that is taken in again. */
  #setDefaults(registry: string, labels: Readonly<Record<string, string>>): void {
    const said = this.#defaults.get(registry);
    if (said === undefined) this.#defaults.set(registry, { labels, count: 1, met: 1 });
    else if (++said.met > said.count) {
      said.count = said.met;
      said.labels = labels;
    }
  }

  #addedLabels(record: FamilyRecord, merged: MergedFamily): Map<string, string> {
    const added = new Map<string, string>();
    for (const registry of record.registries) {
      for (const [name, value] of Object.entries(this.#defaults.get(registry)?.labels ?? {})) added.set(name, value);
    }
    if (merged.mode.perProcess && !record.pidLabelled && seriesShape(record).kind === BlockKind.Gauge) {
      added.set('pid', this.#pid);
    }
    return added;
  }

  #counts(merged: MergedFamily, shape: SlotShape, endedAt: number): boolean {
    if (shape.kind !== BlockKind.Gauge || this.#state === 'live') return true;
    if (merged.mode.live || this.#state === 'expired') return false;
    return endedAt === 0 || endedAt >= this.#expiredBefore;
  }

  #addChunk(body: unknown): void {
    const { block, slot, owner, sign, chunk, windows, windowSeconds } = body as Record<string, unknown>;
    const at = addressOf({ block, slot });
    const by = ownerOf(owner);
    const isChunk =
      by !== undefined &&
      [sign, chunk, windows].every((field) => Number.isInteger(field)) &&
      Math.abs(sign as number) <= 1 &&
      (windowSeconds as number) >= 0;
    if (!isChunk || !((windows as number) >= 1)) throw this.#corrupt('a chunk of a sketch that is none');
    this.#slots(at.block, at.slot, sketchChunkShape(windows as number));
    const series = (this.#maps[by[0]]?.series[by[1]] ?? 0) - 1;
    if (series < 0) return;
    this.#chunks.set(`${at.block}:${at.slot}`, {
      ...at,
      owner: by,
      series,
      sign: sign as number,
      chunk: chunk as number,
      windows: windows as number,
      windowSeconds: windowSeconds as number,
    });
  }

  #addExemplar(body: unknown): void {
    const { block, slot, owner, slotOffset } = body as Record<string, unknown>;
    const at = addressOf({ block, slot });
    const by = ownerOf(owner);
    if (by === undefined || !Number.isInteger(slotOffset)) throw this.#corrupt('an exemplar cell that is none');
    this.#slots(at.block, at.slot, EXEMPLAR_SHAPE);
    this.#exemplars.set(`${at.block}:${at.slot}`, { ...at, owner: by, slotOffset: slotOffset as number });
  }

  /** The block that slots are in, after holding them against it, and with its extent over them. */
  #slots(number: number, slot: number, shape: SlotShape): ReaderBlock {
    const block = this.reader.block(number);
    if (block === undefined) throw this.#corrupt(`slots in block ${number}, which is no value block`);
    if (block.kind !== shape.kind) throw this.#corrupt(`slots of kind ${shape.kind} in a block of kind ${block.kind}`);
    if (!Number.isInteger(slot) || slot < 0 || slot + shape.slots > block.capacity) {
      throw this.#corrupt(`slot ${slot} is beyond block ${number}`);
    }
    block.extent = Math.max(block.extent, slot + shape.slots);
    return block;
  }

  #mapOf(block: ReaderBlock): BlockMap {
    const entries = block.kind === BlockKind.Gauge ? block.extent >> 1 : block.extent;
    let map = this.#maps[block.number];
    if (map === undefined) {
      map = { cells: new Int32Array(entries), series: new Int32Array(entries), modes: [] };
      this.#maps[block.number] = map;
    }
    if (map.cells.length < entries) {
      const most = block.kind === BlockKind.Gauge ? block.capacity >> 1 : block.capacity;
      const length = Math.min(most, entries * 2);
      map.cells = widened(map.cells, length);
      map.series = widened(map.series, length);
    }
    return map;
  }

  /** Takes the series at a slot out, if there is one. */
  #release(block: ReaderBlock, map: BlockMap, slot: number): void {
    const at = block.kind === BlockKind.Gauge ? slot >> 1 : slot;
    const series = (map.series[at] ?? 0) - 1;
    if (series < 0) return;
    map.series[at] = 0;
    if (block.kind === BlockKind.Gauge) {
      map.cells[at] = NOWHERE;
    } else {
      for (let next = at; next < map.cells.length && (next === at || map.series[next] === 0); next++) {
        if (map.cells[next] === NOWHERE) break;
        map.cells[next] = NOWHERE;
      }
    }
    this.#index.dereference(series);
  }

  #forgetSeries(): void {
    for (const map of this.#maps) {
      // a stale index forgets all series by itself
      if (map === undefined || this.#index.stale) continue;
      for (const series of map.series) if (series !== 0) this.#index.dereference(series - 1);
    }
    this.#maps.length = 0;
    this.#families.clear();
    this.#chunks.clear();
    this.#exemplars.clear();
  }

  #corrupt(reason: string): BadFileError {
    return new BadFileError('ERR_CORRUPT_FILE', reason, { file: this.reader.file, offset: 0 });
  }
}

/** The loop that a scrape is made of. */
function addSums(cells: Float64Array, map: Int32Array, values: Float64Array, extent: number): void {
  const end = Math.min(extent, map.length);
  for (let slot = 0; slot < end; slot++) cells[map[slot]] += values[slot];
}

function addressOf(body: unknown): { block: number; slot: number } {
  const { block, slot } = body as { block?: unknown; slot?: unknown };
  return {
    block: Number.isInteger(block) ? (block as number) : -1,
    slot: Number.isInteger(slot) ? (slot as number) : -1,
  };
}

function ownerOf(owner: unknown): readonly [number, number] | undefined {
  if (!Array.isArray(owner) || owner.length !== 2) return undefined;
  const [block, slot] = owner as unknown[];
  return Number.isInteger(block) && Number.isInteger(slot) ? [block as number, slot as number] : undefined;
}

function isLabels(labels: unknown): labels is Record<string, string> {
  if (typeof labels !== 'object' || labels === null) return false;
  return Object.entries(labels).every(
    ([name, value]) => /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) && typeof value === 'string',
  );
}

function widened(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const wider = new Int32Array(length);
  wider.set(array);
  return wider;
}
