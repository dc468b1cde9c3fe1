import type { Attributes } from '@opentelemetry/api';
import type { Child } from '../instruments/child.js';
import { LabelIndex } from '../storage/label-index.js';
import { labelsOf } from './attribute-labels.js';
import type { OpenSeries } from './open-series.js';

interface Entry<C> {
  readonly labelValues: readonly (string | undefined)[];
  readonly child: C;
}

/** More attribute names than any instrument has; objects with more are looked up by their labels. */
const MAX_NAMES = 32;
/** Entries of removed series are forgotten when there are this many more than series. */
const MAX_UNUSED = 1024;

/**
 * Finds the series of an instrument by attributes as the caller writes them, without allocating. The names of attributes
 * are those of OpenTelemetry, so that no name is translated after the first time.
 */
export class AttributeIndex<C extends Child> {
  readonly #series: OpenSeries<C>;
  readonly #nameOf: (key: string) => string;
  /** The attributes that a view keeps. */
  readonly #kept: readonly string[] | undefined;
  readonly #keptValues: unknown[];
  /** Labels of the instrumentation scope. */
  readonly #scope: ReadonlyMap<string, string>;
  #index: LabelIndex<Entry<C>>;
  #names: readonly string[];

  constructor(
    series: OpenSeries<C>,
    nameOf: (key: string) => string,
    scope: ReadonlyMap<string, string>,
    kept: readonly string[] | undefined,
  ) {
    this.#series = series;
    this.#nameOf = nameOf;
    this.#scope = scope;
    this.#kept = kept;
    this.#keptValues = (kept ?? []).map(() => '');
    this.#names = kept ?? [];
    this.#index = new LabelIndex(this.#names);
  }

  /** Returns the child of attributes; undefined where `maxSeries` allows no more series, and the sample is dropped. */
  find(attributes: Attributes): C | undefined {
    const known =
      this.#kept === undefined ? this.#index.findObject(attributes) : this.#findKept(attributes, this.#kept);
    return known === undefined ? this.#add(attributes) : known.child;
  }

  #findKept(attributes: Attributes, kept: readonly string[]): Entry<C> | undefined {
    // an empty value stands for an absent one
    for (let at = 0; at < kept.length; at++) this.#keptValues[at] = attributes[kept[at]] ?? '';
    return this.#index.findValues(this.#keptValues);
  }

  #add(given: Attributes): C | undefined {
    const attributes =
      this.#kept === undefined ? given : Object.fromEntries(this.#kept.map((name) => [name, given[name]]));
    const labels = labelsOf(attributes, this.#nameOf);
    for (const [name, value] of this.#scope) labels.set(name, value);
    const child = this.#series.childOf(labels);
    if (child !== undefined) this.#remember(attributes, child);
    return child;
  }

  #remember(attributes: Attributes, child: C): void {
    const used = Object.keys(attributes).filter((name) => attributes[name] !== undefined && attributes[name] !== null);
    if (used.some((name) => typeof attributes[name] === 'object')) return;
    const added = used.filter((name) => !this.#names.includes(name));
    if (this.#names.length + added.length > MAX_NAMES) return;
    if (this.#index.size > 2 * this.#series.size + MAX_UNUSED) this.#index.clear();
    if (added.length > 0) {
      this.#names = [...this.#names, ...added];
      this.#index.widen(added);
    }
    const labelValues = this.#names.map((name) => (used.includes(name) ? String(attributes[name]) : undefined));
    if (this.#index.find(labelValues) === undefined) this.#index.add({ labelValues, child });
    for (const [at, name] of this.#names.entries()) {
      const value = attributes[name];
      if (typeof value === 'number' || typeof value === 'boolean') this.#index.addAlias(at, value);
    }
  }
}
