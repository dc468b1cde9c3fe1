/** Files of processes that have counted and ended. The real writer makes them, without a process for each. */
import { basename } from 'node:path';
import { currentIdentity } from '../../src/directory/identity.js';
import { nativeRole } from '../../src/metrics-file/attachment.js';
import { writeExemplarCell } from '../../src/metrics-file/exemplar-cell.js';
import { HEADER, type ProcessIdentity, SKETCH } from '../../src/metrics-file/layout.js';
import { native } from '../../src/metrics-file/mapping.js';
import type { FileWriter } from '../../src/metrics-file/writer.js';
import type { FamilyDeclaration } from '../../src/model/family-declaration.js';
import { Bins, chunkBits, type NativeOptions } from '../../src/model/native-bins.js';
import { BIN_BITS, BIN_MASK, placeOf } from '../../src/model/sketch.js';
import { Series, type SeriesFamily } from '../../src/storage/series.js';
import { SeriesStore } from '../../src/storage/series-store.js';
import { unpublishedFile } from './unpublished-file.js';
import { moveAll } from './move-all.js';
import { overwrite } from './overwrite.js';

/** Above the largest pid of Linux, so that no process has one of these pids. */
let nextPid = 5_000_000;

/** The identity of a process on another machine: this one cannot find out that it is dead, and reads its file at every scrape. */
export const ELSEWHERE: Partial<ProcessIdentity> = {
  liveness: 'heartbeat',
  hostName: 'elsewhere',
  bootId: '11111111-2222-3333-4444-555555555555',
};

export interface DeadProcessOptions {
  readonly identity?: Partial<ProcessIdentity>;
  readonly mode?: number;
  readonly defaultLabels?: Readonly<Record<string, string>>;
}

export class DeadProcess {
  readonly identity: ProcessIdentity;
  readonly path: string;
  readonly name: string;
  readonly #store = new SeriesStore();
  readonly #writer: FileWriter;
  readonly #families = new Map<string, SeriesFamily>();

  constructor(dir: string, { identity = {}, mode, defaultLabels }: DeadProcessOptions = {}) {
    const calls = native();
    this.identity = { ...currentIdentity(calls === undefined ? 'heartbeat' : 'flock'), pid: nextPid++, ...identity };
    const isMapped = calls !== undefined && this.identity.liveness === 'flock';
    const { writer, path } = unpublishedFile(dir, this.identity, { isMapped, mode });
    this.path = path;
    this.name = basename(path);
    this.#writer = writer;
    moveAll(this.#store, this.#writer);
    if (defaultLabels !== undefined) this.#store.setDefaultLabels('default', defaultLabels);
  }

  count(name: string, labels: Readonly<Record<string, string>>, value: number): this {
    const series = this.#series({ name, help: 'h', type: 'counter', labelNames: Object.keys(labels) }, labels);
    series.view[series.index] += value;
    return this;
  }

  /** Counts in a counter whose labels are open: it gets those that it does not have. */
  countOpen(name: string, labels: Readonly<Record<string, string>>, value: number): this {
    const family = this.declare({ name, help: 'h', type: 'counter', labelNames: [], openLabels: true });
    const added = Object.keys(labels).filter((label) => !family.declaration.labelNames.includes(label));
    if (added.length > 0) {
      family.widen(added);
      this.#store.setRegistries(family, family.registries);
    }
    const labelValues = family.declaration.labelNames.map((label) => labels[label]);
    let series = family.series.find(labelValues);
    if (series === undefined) this.#store.attach((series = new Series(family, labelValues)));
    series.view[series.index] += value;
    return this;
  }

  observe(name: string, bounds: readonly number[], value: number, labels: Readonly<Record<string, string>> = {}): this {
    const series = this.#series(
      { name, help: 'h', type: 'histogram', labelNames: Object.keys(labels), bounds },
      labels,
    );
    const { native: options } = series.family.declaration;
    if (options !== undefined) this.#addNative(series, options, value);
    if (options !== undefined && bounds.length === 0) {
      series.view[series.index + 1] += value;
      return this;
    }
    const bucket = bounds.findIndex((bound) => value <= bound);
    series.view[series.index + (bucket < 0 ? bounds.length : bucket)]++;
    series.view[series.index + bounds.length + 1] += value;
    return this;
  }

  /** Counts in the bin of a value, as `NativeChunks` does. */
  #addNative(series: Series, { schema, zeroThreshold }: NativeOptions, value: number): void {
    const isZero = Math.abs(value) <= zeroThreshold;
    const bin = isZero ? 0 : Bins.of(schema).find(Math.abs(value));
    const bits = chunkBits(schema);
    const role = isZero ? nativeRole(0, 0, 0) : nativeRole(value > 0 ? 1 : -1, bin >> bits, schema);
    const known = series.attachments?.find((each) => each.role === role);
    const chunk = known ?? this.#store.attachTo(series, role);
    chunk.view[chunk.index + (isZero ? 0 : bin & ((1 << bits) - 1))]++;
  }

  set(name: string, gaugeMode: string, labels: Readonly<Record<string, string>>, value: number, setAt: number): this {
    const series = this.#series({ name, help: 'h', type: 'gauge', labelNames: Object.keys(labels), gaugeMode }, labels);
    series.view.set([value, setAt], series.index);
    return this;
  }

  summarize(name: string, value: number, window?: { seconds: number; count: number }, at = Date.now() / 1000): this {
    const declaration = {
      name,
      help: 'h',
      type: 'summary',
      labelNames: [],
      quantiles: [0.1, 0.5, 0.99],
      window,
    } as const;
    const series = this.#series(declaration, {});
    series.view[series.index] += value;
    series.view[series.index + 1]++;
    const place = value === 0 ? 0 : placeOf(value);
    const [sign, chunk] = [Math.sign(value) as -1 | 0 | 1, place >> BIN_BITS];
    let bins = series.attachments?.find(
      ({ role }) => role.kind === 'sketch' && role.sign === sign && role.chunk === chunk,
    );
    bins ??= this.#store.attachTo(series, {
      kind: 'sketch',
      sign,
      chunk,
      windows: window?.count ?? 1,
      windowSeconds: window?.seconds ?? 0,
    });
    const epoch = window === undefined ? 1 : Math.floor(at / window.seconds) + 1;
    const from = bins.index + (epoch % (window?.count ?? 1)) * SKETCH.windowSlots;
    if (bins.view[from] !== epoch) bins.view.fill(0, from, from + SKETCH.windowSlots);
    bins.view[from] = epoch;
    bins.view[from + 1 + (place & BIN_MASK)]++;
    return this;
  }

  /** Sets the exemplar of a counter without labels. */
  trace(name: string, traceId: string, timestamp: number): this {
    const series = this.#series({ name, help: 'h', type: 'counter', labelNames: [] }, {});
    const cell =
      series.attachments?.find(({ role }) => role.kind === 'exemplar') ??
      this.#store.attachTo(series, { kind: 'exemplar', slotOffset: 0 });
    writeExemplarCell(cell.view, cell.index, { labels: { traceId }, value: 1, timestamp });
    return this;
  }

  declare(declaration: FamilyDeclaration, registries: readonly string[] = ['default']): SeriesFamily {
    let family = this.#families.get(declaration.name);
    if (family === undefined) {
      family = this.#store.declare(declaration, registries);
      this.#families.set(declaration.name, family);
    }
    return family;
  }

  /** Publishes the file while the process lives; otherwise readers find it after the process is dead. */
  show(): this {
    this.#writer.bytes.publish(this.path);
    return this;
  }

  /** Writes the values that were counted since the file was published. */
  flush(): this {
    this.#writer.flush();
    return this;
  }

  /** @param at the time when it was last alive, in seconds since the epoch */
  die(at?: number): this {
    if (this.#writer.bytes.path !== this.path) this.show();
    this.#writer.close();
    if (at !== undefined) overwrite(this.path, HEADER.heartbeat, new Float64Array([at]));
    return this;
  }

  #series(declaration: FamilyDeclaration, labels: Readonly<Record<string, string>>): Series {
    const family = this.declare(declaration);
    const labelValues = Object.values(labels);
    const known = family.series.find(labelValues);
    if (known !== undefined) return known;
    const series = new Series(family, labelValues);
    this.#store.attach(series);
    return series;
  }
}

/** Adds processes that have counted one job each and ended. */
export function addDead(dir: string, processes: number): void {
  for (let at = 0; at < processes; at++) new DeadProcess(dir).count('jobs_total', {}, 1).die();
}
