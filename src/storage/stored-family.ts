import type { ValueBlockKind } from '../metrics-file/layout.js';
import type { FamilyMarks } from '../metrics-file/record.js';
import { seriesShape } from '../metrics-file/slot-shape.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { type Labelled, LabelIndex } from './label-index.js';
import type { ShownSeries } from './shown-series.js';

/** A metric as its store knows it: its declaration, the registries that show it, and its series. */
export class StoredFamily<S extends Labelled, Owner = unknown> {
  readonly series: LabelIndex<S>;
  /** The kind of block that the series' own slots are in, and how many there are. */
  readonly kind: ValueBlockKind;
  readonly slots: number;
  readonly marks: FamilyMarks = {};
  /** One of its holders, for its series, which look for it here. */
  owner: Owner;
  /** Names of the registries that show it. */
  registries: readonly string[];
  /** Metrics of this declaration, one of each copy of this package, and the registries in which each is; where several are. */
  #holders: Map<Owner, readonly string[]> | undefined;
  published = false;
  /** Calls of the metric's `collect()` that are under way. */
  callbacks = 0;
  /** While one is, or has failed: series as readers see them, where those of the process are other ones. */
  shown: ShownSeries<S> | undefined = undefined;
  /** Whether the warning that `maxSeries` was reached has been logged. */
  warnedFull = false;

  constructor(
    readonly id: number,
    readonly declaration: FamilyDeclaration,
    registries: readonly string[],
    /** Seconds since the epoch. */
    readonly declaredAt: number,
    /** Most series that it may have. */
    readonly maxSeries: number,
    owner: Owner,
  ) {
    this.owner = owner;
    this.registries = registries;
    this.series = new LabelIndex(declaration.labelNames);
    const shape = seriesShape(declaration);
    this.kind = shape.kind;
    this.slots = shape.slots;
  }

  get holders(): Owner[] {
    return this.#holders === undefined ? [this.owner] : [...this.#holders.keys()];
  }

  /** A metric has it, and is in these registries. */
  hold(holder: Owner, registries: readonly string[]): void {
    if (this.#holders === undefined && holder === this.owner) {
      this.registries = registries;
      return;
    }
    this.#holders ??= new Map([[this.owner, this.registries]]);
    this.#holders.set(holder, registries);
    this.registries = [...new Set([...this.#holders.values()].flat())];
  }

  /** One of several holders has gone. */
  release(holder: Owner): void {
    this.#holders!.delete(holder);
    const [[owner, registries]] = this.#holders!;
    if (this.owner === holder) this.owner = owner;
    this.hold(owner, registries);
  }

  /** The series that readers are told of. Those of the process that are still in the making are not in the file. */
  *logged(): IterableIterator<S> {
    yield* this.series;
    if (this.shown !== undefined) yield* this.shown;
  }
}
