/**
 * Finds a family's series by label values without allocating: every distinct value of a label gets a small number, and an
 * open-addressing table finds the tuple of numbers. Against one Map per label value nested in the next, measured on
 * Node 20 with 50,000 series of three labels, it is as fast (46 to 79 ns for an object of three labels) and needs
 * 16 + 4 × labels bytes a series where nested Maps need up to 400.
 */

/** What the index holds: something that knows its label values, each a string or absent. */
export interface Labelled {
  readonly labelValues: readonly (string | undefined)[];
}

const ABSENT = 0;
const EMPTY = 0;
const DELETED = -1;
const INITIAL_CAPACITY = 8;
const SEED = 0x811c9dc5 | 0;
/** Below this number of forgotten series the numbers of their values are not worth collecting. */
const REBUILD_AT_LEAST = 1024;

export class LabelIndex<T extends Labelled> {
  readonly #names: readonly string[];
  /** Per label: value as the caller writes it (a string, or a number that spells the same) to its number, from 1. */
  #numbers: Map<unknown, number>[];
  #nextNumber: Int32Array;
  /** Per entry and label the number of the value. */
  #tuples: Int32Array;
  #items: (T | undefined)[] = [];
  /** Entry + 1, EMPTY or DELETED. */
  #table = new Int32Array(2 * INITIAL_CAPACITY);
  #probe: Int32Array;
  #live = 0;
  #occupied = 0;
  #forgotten = 0;

  constructor(labelNames: readonly string[]) {
    this.#names = Object.keys(Object.fromEntries(labelNames.map((name) => [name, 0])));
    this.#numbers = labelNames.map(() => new Map());
    this.#nextNumber = new Int32Array(labelNames.length).fill(1);
    this.#probe = new Int32Array(labelNames.length);
    this.#tuples = new Int32Array(labelNames.length * INITIAL_CAPACITY);
  }

  get size(): number {
    return this.#live;
  }

  /**
   * The series of a label object, or undefined: not there, or the object needs a closer look (a name that is not a
   * label's, a value that is not a string or a number seen before).
   *
   * It walks the object and not the label names: V8 loads `labels[name]` by the object's enum cache inside for-in (3 labels
   * 10 ns) and by a hash of name and shape outside of it (30 to 60 ns). The hash is computed on the way.
   */
  findObject(labels: Readonly<Record<string, unknown>>): T | undefined {
    const names = this.#names;
    const numbers = this.#numbers;
    const probe = this.#probe;
    let hash = SEED;
    let at = 0;
    for (const name in labels) {
      if (name !== names[at]) return this.#findUnordered(labels);
      const number = numbers[at].get(labels[name]);
      if (number === undefined) return undefined;
      probe[at++] = number;
      hash = mixed(hash, number);
    }
    return at < names.length ? this.#findUnordered(labels) : this.#lookup(hash);
  }

  /** The series of as many values as there are labels, in their order; undefined as in `findObject`. */
  findValues(values: ArrayLike<unknown>): T | undefined {
    const numbers = this.#numbers;
    const probe = this.#probe;
    let hash = SEED;
    for (let at = 0; at < probe.length; at++) {
      const number = numbers[at].get(values[at]);
      if (number === undefined) return undefined;
      probe[at] = number;
      hash = mixed(hash, number);
    }
    return this.#lookup(hash);
  }

  /** The series that has exactly these label values, if there is one. */
  find(labelValues: T['labelValues']): T | undefined {
    const probe = this.#probe;
    for (let at = 0; at < probe.length; at++) {
      const value = labelValues[at];
      const number = value === undefined ? ABSENT : this.#numbers[at].get(value);
      if (number === undefined) return undefined;
      probe[at] = number;
    }
    return this.#lookup(hashOf(probe, 0, probe.length));
  }

  /** Adds a series that is not there yet. */
  add(item: T): void {
    if (2 * (this.#occupied + 1) > this.#table.length) this.#rehash(Math.max(this.#live + 1, INITIAL_CAPACITY) * 4);
    // entries are not used again before a rebuild, so that the order of entries is that of first writes
    const entry = this.#items.length;
    const width = this.#names.length;
    if ((entry + 1) * width > this.#tuples.length) {
      const wider = new Int32Array(this.#tuples.length * 2);
      wider.set(this.#tuples);
      this.#tuples = wider;
    }
    for (let at = 0; at < width; at++) this.#tuples[entry * width + at] = this.#numberOf(at, item.labelValues[at]);
    this.#items[entry] = item;
    this.#insert(entry);
    this.#live++;
  }

  /** Lets a primitive be written for a value seen as a string: `inc({ code: 200 })` finds the series of '200'. */
  addAlias(labelAt: number, alias: number | boolean): void {
    const number = this.#numbers[labelAt].get(String(alias));
    if (number !== undefined) this.#numbers[labelAt].set(alias, number);
  }

  delete(item: T): void {
    if (this.find(item.labelValues) !== item) return;
    const mask = this.#table.length - 1;
    let at = slotOf(hashOf(this.#probe, 0, this.#probe.length), mask);
    while (this.#items[this.#table[at] - 1] !== item) at = (at + 1) & mask;
    const entry = this.#table[at] - 1;
    this.#table[at] = DELETED;
    this.#items[entry] = undefined;
    this.#live--;
    if (++this.#forgotten > REBUILD_AT_LEAST && this.#forgotten > 2 * this.#live) this.#rebuild();
  }

  clear(): void {
    this.#restart([]);
  }

  /** In the order in which they were added. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (const item of this.#items) if (item !== undefined) yield item;
  }

  #numberOf(labelAt: number, value: string | undefined): number {
    if (value === undefined) return ABSENT;
    let number = this.#numbers[labelAt].get(value);
    if (number === undefined) {
      number = this.#nextNumber[labelAt]++;
      this.#numbers[labelAt].set(value, number);
    }
    return number;
  }

  /** Labels in another order than the declared one, or not all of them. */
  #findUnordered(labels: Readonly<Record<string, unknown>>): T | undefined {
    const probe = this.#probe;
    probe.fill(ABSENT);
    for (const name in labels) {
      const at = this.#names.indexOf(name);
      const number = at < 0 ? undefined : this.#numbers[at].get(labels[name]);
      if (number === undefined) return undefined;
      probe[at] = number;
    }
    return this.#lookup(hashOf(probe, 0, probe.length));
  }

  /** The item of the probe's numbers, whose hash it is. */
  #lookup(hash: number): T | undefined {
    const table = this.#table;
    const probe = this.#probe;
    const tuples = this.#tuples;
    const width = probe.length;
    const mask = table.length - 1;
    for (let at = slotOf(hash, mask); ; at = (at + 1) & mask) {
      const found = table[at];
      if (found === EMPTY) return undefined;
      if (found === DELETED) continue;
      const from = (found - 1) * width;
      let same = 0;
      while (same < width && tuples[from + same] === probe[same]) same++;
      if (same === width) return this.#items[found - 1];
    }
  }

  #insert(entry: number): void {
    const mask = this.#table.length - 1;
    const width = this.#names.length;
    let at = slotOf(hashOf(this.#tuples, entry * width, width), mask);
    while (this.#table[at] > 0) at = (at + 1) & mask;
    if (this.#table[at] === EMPTY) this.#occupied++;
    this.#table[at] = entry + 1;
  }

  #rehash(wanted: number): void {
    let size = 2 * INITIAL_CAPACITY;
    while (size < wanted) size *= 2;
    this.#table = new Int32Array(size);
    this.#occupied = 0;
    for (let entry = 0; entry < this.#items.length; entry++) if (this.#items[entry] !== undefined) this.#insert(entry);
  }

  /** Forgets the numbers of values that no series has any more: a million `labels(x)`, `remove(x)` stay bounded. */
  #rebuild(): void {
    this.#restart([...this]);
  }

  #restart(items: T[]): void {
    this.#numbers = this.#names.map(() => new Map());
    this.#nextNumber.fill(1);
    this.#tuples = new Int32Array(this.#names.length * INITIAL_CAPACITY);
    this.#items = [];
    this.#table = new Int32Array(2 * INITIAL_CAPACITY);
    this.#live = this.#occupied = this.#forgotten = 0;
    for (const item of items) this.add(item);
  }
}

function mixed(hash: number, number: number): number {
  return Math.imul(hash ^ number, 0x9e3779b1);
}

function hashOf(tuples: Int32Array, from: number, width: number): number {
  let hash = SEED;
  for (let at = from; at < from + width; at++) hash = mixed(hash, tuples[at]);
  return hash;
}

function slotOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}
