/**
 * The contents of all files together: families, series, and one flat array of cells, to which the values of every file are
 * added. The index is built from records once; later scrapes only add values (`FileView.addValues`).
 * One name may have several families here, of separate registries. When an output is rendered, selected-families.ts decides
 * which of them it shows and how it combines two families of one name, so that one index serves every registry of a
 * process.
 */
import { scopeKey } from '../metrics-file/family-scope.js';
import type { FamilyRecord } from '../metrics-file/record.js';
import { comparableTime } from '../model/comparable-time.js';
import type { Exemplar } from '../model/metric-family.js';
import { ACCUMULATOR, type GaugeMode } from '../model/gauge-mode.js';
import { Sketch } from '../model/sketch.js';
import { CellSpace } from './cell-space.js';
import { IdleReferences, type Use } from './idle-references.js';
import type { LabelTexts } from './label-texts.js';
import { type MergedCells, MergedFamily } from './merged-family.js';
import { NativeCells } from './native-cells.js';
import { capSums } from './overflow.js';
import { ProcessValues } from './process-values.js';
import type { Schema } from './schema.js';
import { SeriesIdentities } from './series-identities.js';
import { SeriesTable } from './series-table.js';

/** Cell 0 receives the values that are not shown, so that the loop over a block has no branch. */
export const NOWHERE = 0;

export class MergeIndex implements MergedCells {
  readonly #scopeOf: (record: FamilyRecord) => string;
  /** By scope and name. */
  readonly #families = new Map<string, MergedFamily>();
  readonly #space = new CellSpace();
  /** Bins of native histograms. */
  readonly native = new NativeCells();
  /** Series whose cells a caller has remembered. */
  readonly #pinned = new Set<number>();
  readonly #series = new SeriesTable();
  readonly #identities = new SeriesIdentities(this.#series);
  readonly #idle = new IdleReferences();
  /** Whether the oldest part of a series was removed: then every file has to note the created times of its parts again. */
  createdStale = false;
  /** Number of series that a file has. */
  seriesCount = 0;
  /** Per series of a summary. */
  readonly sketches = new Map<number, Sketch>();
  readonly #processValues = new ProcessValues();
  /** Per cell of a counter or a bucket. */
  readonly exemplars = new Map<number, Exemplar>();
  /** By metric: series with a sum that was too large, in this merge. */
  overflowing: ReadonlyMap<string, number> = new Map();
  #structure = 0;
  /** Changes whenever all series are forgotten. */
  generation = 0;
  readonly #undecided = new Set<MergedFamily>();
  /**
   * Whether the merged series do not fit the present declarations: then the index has to be restarted, and every file has
   * to pass on its log from the beginning.
   */
  stale = false;
  readonly #shownGauges = new Map<number, boolean>();
  /** Values of one process that another process with the same pid label has hidden in the last merge. */
  pidConflicts = 0;

  /** @param scopeOf separates families of one name */
  constructor(scopeOf: (record: FamilyRecord) => string = scopeKey) {
    this.#scopeOf = scopeOf;
  }

  get cells(): Float64Array {
    return this.#space.cells;
  }

  get cellOf(): Int32Array {
    return this.#series.cellOf;
  }

  get createdAt(): Float64Array {
    return this.#series.createdAt;
  }

  familyOf(series: number): MergedFamily {
    return this.#series.familyOf(series);
  }

  /** Changes whenever the set of lines changes. */
  get structure(): number {
    return this.#structure + this.#identities.respelled;
  }

  get texts(): LabelTexts {
    return this.#identities.texts;
  }

  /** Whether more of the index belongs to removed files than to present ones. */
  get wasteful(): boolean {
    const unused = this.#series.size - this.seriesCount;
    return unused > 1024 && unused * 2 > this.#series.size;
  }

  /** Forgets all series. The declarations stay, or a conflict would be found again and again. */
  restart(): void {
    this.#identities.clear();
    this.#space.restart();
    this.native.restart();
    this.#pinned.clear();
    this.#series.clear();
    this.seriesCount = 0;
    this.#idle.clear();
    this.sketches.clear();
    this.exemplars.clear();
    this.#shownGauges.clear();
    for (const family of this.#families.values()) family.forgetSeries();
    this.stale = this.createdStale = false;
    this.generation++;
    this.#structure++;
  }

  /** Adds a declaration of a file; undefined where no registry shows the family. */
  declare(record: FamilyRecord): MergedFamily | undefined {
    if (record.registries.length === 0) return undefined;
    const key = `${this.#scopeOf(record)} ${record.name}`;
    let family = this.#families.get(key);
    if (family === undefined) {
      family = new MergedFamily(this, this.#families.size, record);
      this.#families.set(key, family);
    }
    if (!family.isDeclared) this.#structure++;
    family.declare(record);
    this.#undecided.add(family);
    return family;
  }

  /** Decides the type and the options of every family from all its declarations. Returns whether the index is stale. */
  decide(): boolean {
    for (const family of this.#undecided) if (family.decide()) this.stale = true;
    this.#undecided.clear();
    return this.stale;
  }

  retract(family: MergedFamily, record: FamilyRecord): void {
    family.retract(record);
    this.#undecided.add(family);
    if (!family.isDeclared) this.#structure++;
  }

  /** Remembers the first file that declared a family. Files are numbered in their order before every merge. */
  order(family: MergedFamily, file: number, place: number): void {
    const [knownFile, knownPlace] = family.order;
    if (file < knownFile || (file === knownFile && place < knownPlace)) family.order = [file, place];
  }

  schema(...of: Parameters<SeriesIdentities['schema']>): Schema {
    return this.#identities.schema(...of);
  }

  /** Adds a reference to the merged series of a key, and creates the series where it is missing. */
  reference(schema: Schema, words: Int32Array, from: number, to: number, createdAt: number, use: Use): number {
    const series = this.#identities.ofKey(schema, words, from, to);
    this.retain(series, createdAt, use);
    return series;
  }

  /** The same by the label text, as the family's schemas print it. */
  referenceText(family: MergedFamily, text: string, createdAt: number, use: Use): number {
    const series = this.seriesOfText(family, text);
    this.retain(series, createdAt, use);
    return series;
  }

  /**
   * The merged series with a label text, created where it is missing, without a reference to it. Its cells do not move
   * until the index is restarted.
   */
  seriesOfText(family: MergedFamily, text: string): number {
    const series = this.#identities.ofText(family, text);
    this.#pinned.add(series);
    this.#giveCells(series);
    return series;
  }

  /** Adds a reference to a series. */
  retain(series: number, createdAt: number, use: Use = 'active'): void {
    if (this.#idle.note(series, use, 1)) this.#structure++;
    if (this.#series.references[series]++ === 0) {
      this.seriesCount++;
      this.#structure++;
      this.familyOf(series).referenced++;
      this.#giveCells(series);
      this.createdAt[series] = createdAt;
    } else {
      this.noteCreated(series, createdAt);
    }
  }

  #giveCells(series: number): void {
    if (this.cellOf[series] === NOWHERE) this.cellOf[series] = this.#space.take(this.familyOf(series).cells, series);
  }

  /** The series that has a cell. */
  seriesOfCell(cell: number): number {
    return this.#space.owners[cell];
  }

  /** Takes a reference away, with the values that were passed with it. */
  dereference(series: number, createdAt: number, use: Use = 'active'): void {
    if (this.#idle.note(series, use, -1)) this.#structure++;
    if (--this.#series.references[series] > 0) {
      this.createdStale ||= createdAt <= this.createdAt[series];
      return;
    }
    this.seriesCount--;
    this.#structure++;
    this.familyOf(series).referenced--;
    if (this.#pinned.has(series)) return;
    this.#space.give(this.cellOf[series], this.familyOf(series).cells);
    this.cellOf[series] = NOWHERE;
  }

  /** The created time of a series is that of its oldest part. */
  noteCreated(series: number, createdAt: number): void {
    const known = this.createdAt[series];
    if (createdAt > 0 && !(known > 0 && known <= createdAt)) this.createdAt[series] = createdAt;
  }

  forgetCreated(): void {
    this.createdAt.fill(0);
    this.createdStale = false;
  }

  /** Stores an exemplar of a cell, unless there is a newer one. */
  noteExemplar(cell: number, exemplar: Exemplar, nowSeconds: number): void {
    const known = this.exemplars.get(cell);
    const timeOf = ({ timestamp = 0 }: Exemplar): number => comparableTime(timestamp, nowSeconds);
    if (known === undefined || timeOf(known) <= timeOf(exemplar)) this.exemplars.set(cell, exemplar);
  }

  sketchOf(series: number): Sketch {
    let sketch = this.sketches.get(series);
    if (sketch === undefined) this.sketches.set(series, (sketch = new Sketch()));
    return sketch;
  }

  /** Clears all values, before the files are added. */
  clear(): void {
    this.#space.clear();
    this.native.begin();
    for (const sketch of this.sketches.values()) sketch.clear();
    this.exemplars.clear();
    this.#processValues.clear();
    this.pidConflicts = 0;
  }

  /** Adds the value of a process-wide series from one file of a process. Gauges have a set-at. */
  noteOfProcess(series: number, process: string, value: number, setAt: number): void {
    this.#processValues.note(series, process, value, setAt, this.familyOf(series).isGauge);
  }

  /**
   * Called after all files were added: lines of gauges appear and disappear, because gauges that were never set have none.
   */
  settle(): void {
    this.#processValues.addTo(this);
    this.native.end();
    this.overflowing = capSums(this.#families.values(), this);
    for (const family of this.#families.values()) {
      if (family.series.length === 0 || !family.isGauge) continue;
      for (const series of family.series) {
        const shown = this.#series.references[series] > 0 && this.#isSet(series, family);
        if (this.#shownGauges.get(series) === shown) continue;
        this.#shownGauges.set(series, shown);
        this.#structure++;
      }
    }
  }

  /** The families that a file declares now. */
  declared(): MergedFamily[] {
    return [...this.#families.values()].filter((family) => family.isDeclared && family.order[0] !== Infinity);
  }

  /** Forgets which file declared a family first; called before a merge for which files were added or removed. */
  forgetOrder(): void {
    for (const family of this.#families.values()) family.order = [Infinity, Infinity];
    this.#structure++;
  }

  /** The series of a family that have a line, ordered by their labels. Pauses while they are sorted. */
  *shownSeries(family: MergedFamily): Generator<void, Int32Array> {
    yield* this.texts.putInOrder(family);
    const shown = new Int32Array(family.series.length);
    let count = 0;
    for (const series of family.series) if (this.isShown(series, family)) shown[count++] = series;
    return count === shown.length ? shown : shown.slice(0, count);
  }

  /** Whether the series has not changed for its time of expiry, in all files that have it. */
  isIdle(series: number): boolean {
    return this.#idle.isIdle(series, this.#series.references[series]);
  }

  /** Number of series of these families that are not shown for that reason. */
  idleCount(families: ReadonlySet<MergedFamily>): number {
    return [...this.#idle.series()].filter((each) => families.has(this.familyOf(each)) && this.isIdle(each)).length;
  }

  /** Whether any file has the series. */
  isReferenced(series: number): boolean {
    return this.#series.references[series] > 0;
  }

  isShown(series: number, family: MergedFamily): boolean {
    if (this.#series.references[series] === 0) return false;
    return family.isGauge ? this.#isSet(series, family) : !this.isIdle(series);
  }

  gaugeValue(series: number, mode: GaugeMode): number {
    const [cells, at] = [this.cells, this.cellOf[series]];
    return cells[at + ACCUMULATOR.count] === 0 ? 0 : (mode.finish?.(cells, at) ?? cells[at]);
  }

  /** A gauge without labels shows 0 before it is set, as in prom-client; any other gauge has no line. */
  #isSet(series: number, family: MergedFamily): boolean {
    return (
      this.cells[this.cellOf[series] + ACCUMULATOR.count] > 0 ||
      (!family.isOpen && family.labelNames.length === 0 && !family.mode.perProcess)
    );
  }
}
