import type { ValueBlockKind } from '../metrics-file/layout.js';
import type { ProcessFlags } from '../metrics-file/record.js';
import { seriesShape } from '../metrics-file/slot-shape.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { type Labelled, LabelIndex } from './label-index.js';
import type { ShownSeries } from './shown-series.js';

/** A metric in its store: its declaration, the registries that show it, and its series. */
export class StoredFamily<S extends Labelled, Owner = unknown> {
  readonly series: LabelIndex<S>;
  /** The kind of block that holds the series' own slots, and their number. */
  readonly kind: ValueBlockKind;
  readonly slots: number;
  readonly flags: ProcessFlags = {};
  /** One of its holders; series find it here. */
  owner: Owner;
  registries: readonly string[];
  /** The metrics of several copies of this package that share the family, and the registries of each. */
  #holders: Map<Owner, readonly string[]> | undefined;
  published = false;
  /** Number of `collect()` calls of the metric in progress. */
  callbacks = 0;
  /** During a call, or after it has failed: the series that readers see where they differ from the process's own. */
  shown: ShownSeries<S> | undefined = undefined;
  /** Series that have not changed for `expireAfterSeconds`, and when that was found, in seconds since the epoch; oldest first. */
  idle: Map<S, number> | undefined;
  /** Whether it is logged that `maxSeries` was reached: to make the text of the warning took 40 ns of each dropped sample. */
  warnedFull = false;

  constructor(
    readonly id: number,
    public declaration: FamilyDeclaration,
    registries: readonly string[],
    /** Seconds since the epoch. */
    readonly declaredAt: number,
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

  /** Adds labels, which the present series do not have. */
  widen(added: readonly string[]): void {
    this.declaration = { ...this.declaration, labelNames: [...this.declaration.labelNames, ...added] };
    this.series.widen(added);
    this.shown?.widen(added);
  }

  remove(series: S): void {
    this.series.delete(series);
    this.idle?.delete(series);
  }

  get holders(): Owner[] {
    return this.#holders === undefined ? [this.owner] : [...this.#holders.keys()];
  }

  /** Adds a metric that holds this family, and its registries. */
  hold(holder: Owner, registries: readonly string[]): void {
    if (this.#holders === undefined && holder === this.owner) {
      this.registries = registries;
      return;
    }
    this.#holders ??= new Map([[this.owner, this.registries]]);
    this.#holders.set(holder, registries);
    this.registries = [...new Set([...this.#holders.values()].flat())];
  }

  /** Removes one of several holders. */
  release(holder: Owner): void {
    this.#holders!.delete(holder);
    const [[owner, registries]] = this.#holders!;
    if (this.owner === holder) this.owner = owner;
    this.hold(owner, registries);
  }

  /** The series that are published. New series of the process in a running callback are not in the file yet. */
  *logged(): IterableIterator<S> {
    yield* this.series;
    if (this.shown !== undefined) yield* this.shown;
  }
}
