/**
 * The part of the index that one output shows: the families of its selection, and where several of them have the same name,
 * one combined family with the series of all. A family whose registries have different default labels is combined too, since
 * an output shows the labels of its own registries only.
 * A combined family has its own cells, to which the cells of its parts are added after every merge. It merges the merged
 * values of the parts, so that its cost depends on the series of the parts and not on those of every file.
 */
import { labelText, parseLabelText } from '../exposition/labels.js';
import { numberedLabel } from '../metrics-file/default-labels.js';
import type { FamilyRecord } from '../metrics-file/record.js';
import { DEFAULT_ESCAPING, type Escaping, escapedClashes } from '../exposition/name-escaping.js';
import { ACCUMULATOR, type GaugeMode } from '../model/gauge-mode.js';
import {
  type Clash,
  createdClashes,
  describeClash,
  describeCreatedClash,
  describeReservedClash,
  type Named,
  nameClashes,
} from '../model/name-clash.js';
import { bucketCells, type ConflictReason, type MergedFamily } from './merged-family.js';
import { MergeIndex } from './merge-index.js';
import { type Selection, selects, showsLabelsOf } from './selection.js';

const SERIES_PER_STEP = 1024;

/** The series of one part, and their place in the combined family. */
interface Link {
  readonly part: MergedFamily;
  readonly combined: MergedFamily;
  readonly from: readonly number[];
  readonly to: readonly number[];
  /** Histograms: the place of each cell of a part's series, from the first cell of the combined one. */
  readonly buckets: Int32Array | undefined;
}

export interface Conflict {
  readonly family: string;
  readonly reason: ConflictReason;
  /** The shown families, as text. */
  readonly text: string;
}

export class SelectedFamilies {
  readonly #index: MergeIndex;
  readonly #selection: Selection;
  readonly #reserved: readonly Named[];
  #families: MergedFamily[] = [];
  /** Also families that are not shown. */
  #declared: MergedFamily[] = [];
  #clashes: readonly Conflict[] = [];
  #combinations = new MergeIndex();
  readonly #links: Link[] = [];
  #seen = -1;
  #rebuilt = 0;
  /** Whether a file declares a family here whose name may be any UTF-8 text. */
  hasUtf8Names = false;

  /** @param reserved families that the output shows beside these: they are shown where lines have the same name */
  constructor(index: MergeIndex, selection: Selection, reserved: readonly Named[] = []) {
    this.#index = index;
    this.#selection = selection;
    this.#reserved = reserved;
  }

  /** Changes whenever the set of lines changes. */
  get structure(): string {
    return `${this.#rebuilt} ${this.#combinations.structure}`;
  }

  /** Families in the order of first registration, also those without series. */
  families(): readonly MergedFamily[] {
    return this.#families;
  }

  /** Names of families of a registry without a name that cannot be attributed in other processes. */
  get missing(): string[] {
    const { unnamed } = this.#selection;
    if (unnamed === undefined) return [];
    const shown = new Set(this.#declared.map(({ name }) => name));
    return Object.keys(unnamed.declarations).filter((name) => !shown.has(name));
  }

  get seriesCount(): number {
    const declared = new Set(this.#declared);
    const idle = this.#index.idleCount(declared) + this.#combinations.idleCount(declared);
    return this.#declared.reduce((sum, family) => sum + family.referenced, -idle);
  }

  get hasExemplars(): boolean {
    return this.#index.exemplars.size > 0;
  }

  /** The properties in which declarations differ, and names that clash. */
  conflicts(): Conflict[] {
    const escaped = escapedClashes(newestFirst(this.#families), DEFAULT_ESCAPING).map((clash) =>
      nameConflict(
        clash,
        `where UTF-8 names are escaped the metric ${clash.hidden} is not shown, for it has the name of the metric ${clash.shown}; rename one`,
      ),
    );
    return [...this.#declared.flatMap(conflictsOf), ...this.#clashes, ...escaped];
  }

  /** The families that can be shown together under this escaping of UTF-8 names. */
  shownUnder(escaping: Escaping): readonly MergedFamily[] {
    const hidden = new Set(escapedClashes(newestFirst(this.#families), escaping).map((clash) => clash.hidden));
    return hidden.size === 0 ? this.#families : this.#families.filter(({ name }) => !hidden.has(name));
  }

  /** Follows the index, with pauses; call it after every merge, before other methods. */
  *update(): Generator<void, void> {
    if (this.#seen !== this.#index.structure) yield* this.#rebuild();
    this.#seen = this.#index.structure;
    if (this.#links.length === 0) return;
    this.#combinations.forgetCreated();
    this.#combinations.native.invalidate();
    this.#combinations.clear();
    const nowSeconds = Date.now() / 1000;
    for (const link of this.#links) {
      for (let from = 0; from < link.from.length; from += SERIES_PER_STEP) {
        this.#add(link, from, nowSeconds);
        yield;
      }
    }
    this.#combinations.settle();
  }

  *#rebuild(): Generator<void, void> {
    this.#rebuilt++;
    const byName = new Map<string, MergedFamily[]>();
    const all = this.#index.declared();
    const ambiguous = new Set(all.filter(({ scope }) => scope.isAmbiguous).map(nameInRole));
    for (const family of all) {
      const { name, scope } = family;
      if (!selects(this.#selection, name, scope, ambiguous.has(nameInRole(family)))) continue;
      const parts = byName.get(family.name);
      if (parts === undefined) byName.set(family.name, [family]);
      else parts.push(family);
    }
    this.hasUtf8Names = [...byName.values()].flat().some((part) => part.records().some(isUtf8));
    this.#combinations = new MergeIndex(() => '');
    this.#links.length = 0;
    const declared: MergedFamily[] = [];
    for (const parts of byName.values()) {
      declared.push(this.#isCombined(parts) ? yield* this.#combine(parts.toSorted(byOrder)) : parts[0]);
    }
    this.#declared = declared.toSorted(byOrder);
    const candidates = this.#declared.filter((family) => !family.hidden);
    // as for one metric, the newest declaration is shown
    const clashes = nameClashes([...this.#reserved, ...newestFirst(candidates)]);
    const clashing = new Set(clashes.map(({ hidden }) => hidden));
    this.#families = candidates.filter(({ name }) => !clashing.has(name));
    this.#clashes = [
      ...clashes.map((clash) => nameConflict(clash, this.#describe(clash))),
      ...createdClashes(this.#families).map((clash) => nameConflict(clash, describeCreatedClash(clash))),
    ];
  }

  /** Whether the output needs cells or label texts that differ from those of the index. */
  #isCombined(parts: readonly MergedFamily[]): boolean {
    return parts.length > 1 || [...parts[0].defaultLabels].some((name) => this.#shownAs(name, parts[0]) !== name);
  }

  /** Returns the name under which the output shows a default label; undefined if it does not. */
  #shownAs(name: string, { scope, labelNames }: MergedFamily): string | undefined {
    const numbered = numberedLabel(name, scope.registries);
    if (numbered !== undefined) {
      return showsLabelsOf(numbered.registry, this.#selection, scope) ? numbered.label : undefined;
    }
    const isLeftOut = this.#selection.withoutDefaultLabels === true && !labelNames.includes(name);
    return isLeftOut ? undefined : name;
  }

  /**
   * Returns how the label text of a part changes in the combined family, which has one order of labels. The `pid` of a gauge
   * that is shown per process is removed where the combined family is not shown per process. (In the opposite case there is
   * no `pid` to add.)
   */
  #spelling(part: MergedFamily, combined: MergedFamily): (text: string) => string {
    const withoutPid = part.mode.perProcess && !combined.mode.perProcess && part.isGauge;
    const [before, after] = [part.firstLabels, combined.firstLabels];
    const renamed = [...part.defaultLabels].map((name) => [name, this.#shownAs(name, part)] as const);
    const changed = renamed.filter(([name, shown]) => shown !== name);
    if (!withoutPid && changed.length === 0 && before.join() === after.join()) return (text) => text;
    return (text) => {
      const labels = parseLabelText(text);
      if (withoutPid) delete labels.pid;
      for (const [name, shown] of changed) {
        // a label that the series has itself counts
        if (shown !== undefined && name in labels && !(shown in labels)) labels[shown] = labels[name];
        delete labels[name];
      }
      const known = after.filter((name) => name in labels);
      const rest = Object.keys(labels).filter((name) => !after.includes(name));
      return labelText(Object.fromEntries([...known, ...rest.toSorted()].map((name) => [name, labels[name]])));
    };
  }

  #describe(clash: Clash): string {
    return this.#reserved.some(({ name }) => name === clash.shown)
      ? describeReservedClash(clash)
      : describeClash(clash);
  }

  *#combine(parts: readonly MergedFamily[]): Generator<void, MergedFamily> {
    let combined!: MergedFamily;
    for (const part of parts) for (const record of part.records()) combined = this.#combinations.declare(record)!;
    this.#combinations.decide();
    combined.parts = parts.map((family) => ({ family, spell: this.#spelling(family, combined) }));
    this.#combinations.order(combined, ...parts[0].order);
    for (const { family: part, spell } of combined.parts) {
      const buckets = part.kind.hasBounds ? bucketCells(part, combined) : undefined;
      if (part.type !== combined.type || (part.kind.hasBounds && buckets === undefined)) continue;
      const from = part.series.filter((series) => this.#index.isReferenced(series));
      const to: number[] = [];
      for (const series of from) {
        const text = spell(this.#index.texts.of(series));
        const use = this.#index.isIdle(series) ? 'marked' : 'active';
        to.push(this.#combinations.referenceText(combined, text, this.#index.createdAt[series], use));
        if (to.length % SERIES_PER_STEP === 0) yield;
      }
      this.#links.push({ part, combined, from, to, buckets });
    }
    return combined;
  }

  /** Adds the series of one step. */
  #add(link: Link, first: number, nowSeconds: number): void {
    const { part, combined, from, to, buckets } = link;
    const end = Math.min(from.length, first + SERIES_PER_STEP);
    if (part.native !== undefined) this.#addNative(link, first, end);
    const [index, combinations] = [this.#index, this.#combinations];
    const { cells: source } = index;
    const { cells: target } = combinations;
    const slots = part.cells;
    for (let at = first; at < end; at++) {
      const cell = index.cellOf[from[at]];
      const into = combinations.cellOf[to[at]];
      combinations.noteCreated(to[at], index.createdAt[from[at]]);
      if (part.isGauge) {
        if (combined.mode.perProcess && isSet(source, cell) && isSet(target, into)) combinations.pidConflicts++;
        addGauge(combined.mode, source, cell, target, into);
        continue;
      }
      for (let slot = 0; slot < slots; slot++) target[into + (buckets?.[slot] ?? slot)] += source[cell + slot];
      const sketch = index.sketches.get(from[at]);
      if (sketch !== undefined) combinations.sketchOf(to[at]).include(sketch);
      if (index.exemplars.size === 0) continue;
      for (let slot = 0; slot < slots; slot++) {
        const exemplar = index.exemplars.get(cell + slot);
        if (exemplar === undefined) continue;
        combinations.noteExemplar(into + (buckets?.[slot] ?? slot), exemplar, nowSeconds);
      }
    }
  }

  #addNative({ part, combined, from, to }: Link, first: number, end: number): void {
    const [index, combinations] = [this.#index, this.#combinations];
    const withoutBuckets = part.bounds.length === 0 && combined.bounds.length > 0;
    for (let at = first; at < end; at++) {
      for (const chunk of index.native.of(from[at])) {
        const cell = combinations.native.cellOf(to[at], chunk.role, chunk.isApart || withoutBuckets);
        const { cells } = combinations.native;
        for (let slot = 0; slot < chunk.slots; slot++) cells[cell + slot] += index.native.cells[chunk.cell + slot];
      }
    }
  }
}

function nameInRole({ name, scope }: MergedFamily): string {
  return `${scope.isPrimary} ${name}`;
}

function conflictsOf(family: MergedFamily): Conflict[] {
  const { name } = family;
  return family.conflicts().map((reason) => ({
    family: name,
    reason,
    text: `processes declare the metric ${name} differently (${reason}): the newest declaration is shown`,
  }));
}

function nameConflict({ hidden }: Clash, text: string): Conflict {
  return { family: hidden, reason: 'name', text };
}

function isUtf8({ nameValidation }: FamilyRecord): boolean {
  return nameValidation === 'utf8';
}

function newestFirst(families: readonly MergedFamily[]): MergedFamily[] {
  return families.toReversed().toSorted((a, b) => b.declaredAt - a.declaredAt);
}

function byOrder(a: MergedFamily, b: MergedFamily): number {
  return a.order[0] - b.order[0] || a.order[1] - b.order[1] || (a.name < b.name ? -1 : 1);
}

function isSet(cells: Float64Array, at: number): boolean {
  return cells[at + ACCUMULATOR.count] > 0;
}

/**
 * The reduced value of several processes is added as if it were of one process, with the number of processes as its count.
 */
function addGauge(mode: GaugeMode, from: Float64Array, at: number, into: Float64Array, to: number): void {
  if (!isSet(from, at)) return;
  mode.reduce(into, to, from[at], from[at + ACCUMULATOR.setAt]);
  into[to + ACCUMULATOR.count] += from[at + ACCUMULATOR.count] - 1;
}
