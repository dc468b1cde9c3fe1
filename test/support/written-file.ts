/** Data files of the real writer, many in one process: each with its own store, identity and lock. */
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { ProcessIdentity } from '../../src/metrics-file/layout.js';
import { native } from '../../src/metrics-file/mapping.js';
import type { FileWriter } from '../../src/metrics-file/writer.js';
import { Series, type SeriesFamily } from '../../src/storage/series.js';
import { SeriesStore, type SeriesStoreOptions } from '../../src/storage/series-store.js';
import { unpublishedFile } from './unpublished-file.js';

// these tests choose the kind of file, and every run covers both
delete process.env.PROM_MULTIPROC_NO_MMAP;

export interface WrittenFileOptions {
  readonly kind?: 'mapped' | 'written';
  readonly maxBytes?: number;
  readonly identity?: Partial<ProcessIdentity>;
  readonly limits?: SeriesStoreOptions;
}

/** The file of a process, with its store. */
export interface WrittenFile {
  readonly path: string;
  readonly writer: FileWriter;
  readonly store: SeriesStore;
}

/** Returns every kind of file that this system supports. */
export function fileKinds(): readonly ('mapped' | 'written')[] {
  return native() !== undefined ? ['mapped', 'written'] : ['written'];
}

export function newIdentity(changes: Partial<ProcessIdentity> = {}): ProcessIdentity {
  return {
    pid: process.pid,
    threadId: 0,
    osThread: '',
    startTime: '1',
    bootId: '',
    pidNamespace: '',
    hostName: hostname(),
    id: randomBytes(8).toString('hex'),
    startedAt: 1,
    createdAt: 2,
    liveness: 'flock',
    ...changes,
  };
}

/** Makes a writer with a published file, without a store. */
export function createWriter(dir: string, options: WrittenFileOptions = {}): FileWriter {
  const kind = options.kind ?? fileKinds()[0];
  // a file that is written by a timer has no lock; readers would take a file without its lock as final
  const identity = newIdentity({ liveness: kind === 'mapped' ? 'flock' : 'heartbeat', ...options.identity });
  const { writer, path } = unpublishedFile(dir, identity, { isMapped: kind === 'mapped', maxBytes: options.maxBytes });
  writer.bytes.publish(path);
  return writer;
}

export function createFile(dir: string, options: WrittenFileOptions = {}): WrittenFile {
  const writer = createWriter(dir, options);
  const { path } = writer.bytes;
  return { path, writer, store: new SeriesStore(writer, options.limits) };
}

/** Makes a series and allocates its slots. */
export function attach(store: SeriesStore, family: SeriesFamily, labelValues: readonly (string | undefined)[]): Series {
  const series = new Series(family, labelValues);
  store.attach(series);
  return series;
}

export function addTo(series: Series, amount: number, slot = 0): void {
  series.view[series.index + slot] += amount;
}

export function setGauge(series: Series, value: number, setAt = 1): void {
  series.view[series.index] = value;
  series.view[series.index + 1] = setAt;
}
