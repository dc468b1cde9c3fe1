/** One family of an archive: the series of dead processes with the same declaration, in columns. */
import { BlockKind } from '../metrics-file/layout.js';
import { decodeKey, type FamilyRecord } from '../metrics-file/record.js';
import { seriesShape, type SlotShape } from '../metrics-file/slot-shape.js';
import { capped } from '../model/capped-sum.js';
import { lowestOptions } from '../model/native-bins.js';
import { comparableTime } from '../model/comparable-time.js';
import { ACCUMULATOR, type GaugeMode, gaugeMode } from '../model/gauge-mode.js';
import { widened } from '../model/widened.js';
import { ArchivedAttachments } from './archived-attachments.js';
import { laterEnd } from './series-end.js';

/** The declaration of a family in an archive; its place in the file is its `id`. */
export type ArchivedDeclaration = Omit<FamilyRecord, 'id'> & { lastSeenAt: number };

export class ArchiveFamily {
  declaration: ArchivedDeclaration;
  readonly shape: SlotShape;
  readonly mode: GaugeMode;
  /** Key bytes of each series, one per character. */
  readonly keys: string[] = [];
  readonly createdAt: number[] = [];
  /** When the processes of these values ended, rounded up to the hour; 0 where the series does not expire. */
  readonly endedAt: number[] = [];
  readonly attachments = new ArchivedAttachments();
  readonly #rows = new Map<string, number>();
  readonly #stride: number;
  #values = new Float64Array(0);

  constructor(declaration: ArchivedDeclaration) {
    this.declaration = declaration;
    this.shape = seriesShape(declaration);
    this.mode = gaugeMode(declaration.gaugeMode);
    this.#stride = this.isGauge ? ACCUMULATOR.slots : this.shape.slots;
  }

  get isGauge(): boolean {
    return this.shape.kind === BlockKind.Gauge;
  }

  get size(): number {
    return this.keys.length;
  }

  /** Adds the series of a family that has the values of one process, which has ended. */
  include(other: ArchiveFamily, now: number): void {
    for (let row = 0; row < other.size; row++) {
      const key = other.keys[row];
      const endedAt = other.endedAt[row];
      const to = this.rowOf(key, endedAt) ?? this.addRow(key, endedAt);
      const slots = new Float64Array(this.shape.slots);
      other.copyRow(row, slots, 0);
      this.merge(to, slots, other.createdAt[row], now);
      this.endedAt[to] = laterEnd(this.endedAt[to], endedAt);
      this.attachments.include(to, other.attachments, row, now);
    }
  }

  /**
   * Adds another declaration that differs in help, unit, quantiles or the options of native bins only: the newest is kept, with
   * the lowest resolution.
   */
  declare(declaration: ArchivedDeclaration): void {
    const lastSeenAt = Math.max(this.declaration.lastSeenAt, declaration.lastSeenAt);
    const newest = declaration.declaredAt >= this.declaration.declaredAt ? declaration : this.declaration;
    const expiries = [this.declaration, declaration].flatMap(({ expireAfterSeconds = [] }) => expireAfterSeconds);
    const expireAfterSeconds = expiries.length === 0 ? undefined : Math.max(...expiries);
    const native = lowestOptions([this.declaration, declaration].flatMap((each) => each.native ?? []));
    this.declaration = { ...newest, lastSeenAt, expireAfterSeconds, native };
  }

  rowOf(key: string, endedAt: number): number | undefined {
    return this.#rows.get(this.#rowKey(key, endedAt));
  }

  addRow(key: string, endedAt: number): number {
    const row = this.keys.length;
    this.keys.push(key);
    this.createdAt.push(0);
    this.endedAt.push(endedAt);
    this.#rows.set(this.#rowKey(key, endedAt), row);
    const needed = (row + 1) * this.#stride;
    if (needed > this.#values.length) {
      this.#values = widened(this.#values, Math.max(2 * this.#values.length, needed, 64));
    }
    return row;
  }

  /** Adds a series of a file by the rule of its type or mode. */
  merge(row: number, slots: Float64Array, createdAt: number, now: number): void {
    const known = this.createdAt[row];
    if (createdAt > 0 && !(known > 0 && known <= createdAt)) this.createdAt[row] = createdAt;
    const at = row * this.#stride;
    if (this.declaration.ofProcess !== undefined) {
      const isNewer = this.isGauge
        ? comparableTime(slots[1], now) >= comparableTime(this.#values[at + 1], now)
        : slots[0] > this.#values[at];
      if (isNewer) this.#values.set(slots, at);
      return;
    }
    if (!this.isGauge) {
      for (let slot = 0; slot < slots.length; slot++) {
        this.#values[at + slot] = capped(this.#values[at + slot] + slots[slot]);
      }
      return;
    }
    if (slots[1] === 0) return;
    const setAt = comparableTime(slots[1], now);
    this.mode.reduce(this.#values, at, slots[0], setAt);
    const latest = this.#values[at + ACCUMULATOR.setAt];
    if (latest === 0 || setAt > latest) this.#values[at + ACCUMULATOR.setAt] = setAt;
  }

  /** The `pid` of a series in the mode that shows each process. */
  pidOf(row: number): string {
    return decodeKey(Buffer.from(this.keys[row], 'latin1')).at(-1) ?? '';
  }

  /** Drops series. @returns the number of dropped series */
  keep(isKept: (row: number) => boolean): number {
    const kept = [...this.keys.keys()].filter(isKept);
    const dropped = this.size - kept.length;
    this.#rows.clear();
    kept.forEach((row, to) => {
      this.keys[to] = this.keys[row];
      this.createdAt[to] = this.createdAt[row];
      this.endedAt[to] = this.endedAt[row];
      this.#values.copyWithin(to * this.#stride, row * this.#stride, (row + 1) * this.#stride);
      this.#rows.set(this.#rowKey(this.keys[to], this.endedAt[to]), to);
    });
    this.attachments.retain(kept);
    this.#values.fill(0, kept.length * this.#stride);
    this.keys.length = this.createdAt.length = this.endedAt.length = kept.length;
    return dropped;
  }

  /** Rows in the order of the file: gauges of the process that ended last come last, because readers take the last one. */
  order(): number[] {
    const rows = this.keys.map((_, row) => row);
    return this.isGauge ? rows.toSorted((a, b) => this.endedAt[a] - this.endedAt[b]) : rows;
  }

  copyRow(row: number, into: Float64Array, at: number): void {
    const from = row * this.#stride;
    // the count of a gauge's accumulator is not stored: a value that is set counts as one
    for (let slot = 0; slot < this.shape.slots; slot++) into[at + slot] = this.#values[from + slot];
  }

  #rowKey(key: string, endedAt: number): string {
    return this.isGauge && this.declaration.ofProcess === undefined ? `${endedAt} ${key}` : key;
  }
}
