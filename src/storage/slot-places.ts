import type { Backing } from '../metrics-file/backing.js';
import type { SlotShape } from '../metrics-file/slot-shape.js';
import type { RecordedCells, Series, SeriesFamily } from './series.js';
import { SeriesLog } from './series-log.js';
import {
  type Cells,
  copyValues,
  DETACHED,
  DETACHED_VIEW,
  isInFile,
  isShadow,
  MEMORY,
  SlotAllocator,
} from './value-blocks.js';

/** The places of a store's slots: in its file, or in memory where the file has no room. The log names those in the file. */
export class SlotPlaces {
  readonly log: SeriesLog;
  readonly #onShortage: () => void;
  #backing: Backing;
  #inFile: SlotAllocator;
  #inMemory = new SlotAllocator(MEMORY);
  #slotsInMemory = 0;
  #isMoving = false;

  /**
   * @param families the set of all families, which the store keeps up to date
   * @param onShortage called whenever slots have no room in the file
   */
  constructor(backing: Backing, families: ReadonlySet<SeriesFamily>, onShortage: () => void, largest?: number) {
    this.#backing = backing;
    this.#inFile = new SlotAllocator(backing, { largest });
    this.#onShortage = onShortage;
    this.log = new SeriesLog(backing, families, (cells, shape) => this.#inFile.release(shape, cells));
  }

  get backing(): Backing {
    return this.#backing;
  }

  get inFile(): SlotAllocator {
    return this.#inFile;
  }

  /** Whether some series are still where the store was before. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  get slotsInMemory(): number {
    return this.#slotsInMemory;
  }

  beginMove(backing: Backing): void {
    this.#isMoving = true;
    this.#backing = backing;
    this.#inFile = new SlotAllocator(backing);
    this.#inMemory = new SlotAllocator(MEMORY);
    this.#slotsInMemory = 0;
    this.log.beginMove(backing);
  }

  endMove(): void {
    this.#isMoving = false;
    this.log.endMove();
  }

  /** Binds cells to slots in the file, or in memory where it has no room. */
  bind(shape: SlotShape, cells: Cells): void {
    if (this.#inFile.allocate(shape, cells)) return;
    this.#inMemory.allocate(shape, cells);
    this.#slotsInMemory += shape.slots;
    this.#onShortage();
  }

  /** Binds cells to other slots, which get their values. */
  rebind(cells: RecordedCells): void {
    const { view, index, shape } = cells;
    this.bind(shape, cells);
    copyValues(view, index, cells, shape.slots);
  }

  /** Moves a series with its attachments out of the place that the store is leaving, and publishes it in the new one. */
  bring(series: Series): void {
    if (!this.#isMoving) return;
    if (this.#leave(series)) this.log.publishSeries(series);
    for (const attachment of series.attachments ?? []) {
      if (this.#leave(attachment)) this.log.publishAttachment(attachment);
    }
  }

  /** Moves slots from memory to the file as far as there is room, with pauses. */
  *moveIn(all: Iterable<Series>): Generator<void, void> {
    for (const series of all) {
      if (!this.#moveOneIn(series) || !(series.attachments ?? []).every((each) => this.#moveOneIn(each))) return;
      yield;
    }
    if (this.#slotsInMemory === 0) this.#inMemory = new SlotAllocator(MEMORY);
  }

  /** Frees the slots of a series and of its attachments, and publishes their removal. */
  releaseAll(series: Series): void {
    for (const attachment of series.attachments ?? []) this.release(attachment);
    this.release(series);
  }

  release(cells: RecordedCells): void {
    const { view, block, index, publishedIn, shape } = cells;
    const slots = { view, index, block };
    cells.view = DETACHED_VIEW;
    cells.index = DETACHED;
    cells.block = undefined;
    cells.publishedIn = 0;
    if (block === undefined || isShadow(slots) || this.#isLeft(slots)) return;
    if (block.number < 0 && this.#backing.kind !== 'memory') {
      this.#slotsInMemory -= shape.slots;
      this.#inMemory.release(shape, slots);
      return;
    }
    if (publishedIn > 0) this.log.publishRemoval(slots, shape, publishedIn);
    else this.#inFile.release(shape, slots);
  }

  #leave(cells: RecordedCells): boolean {
    if (!this.#isLeft(cells)) return false;
    this.rebind(cells);
    cells.publishedIn = 0;
    return true;
  }

  /** Whether cells are in the place that the store is leaving. */
  #isLeft({ block }: Cells): boolean {
    if (!this.#isMoving || block === undefined || isShadow({ block })) return false;
    return !this.#inFile.owns(block) && !this.#inMemory.owns(block);
  }

  /** False where the file has no room. */
  #moveOneIn(cells: RecordedCells): boolean {
    const { view, index, block, shape } = cells;
    if (block === undefined || isInFile(cells) || isShadow(cells)) return true;
    if (!this.#inFile.allocate(shape, cells)) return false;
    copyValues(view, index, cells, shape.slots);
    this.#slotsInMemory -= shape.slots;
    return true;
  }
}
