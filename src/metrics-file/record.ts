/** Encodes the records of the key log, and walks them. layout.ts draws the bytes. */
import { BadFileError } from '../errors.js';
import { LITTLE_ENDIAN } from '../model/byte-order.js';
import type { FamilyDeclaration } from '../model/family-declaration.js';
import { METRIC_KINDS, metricKind } from '../model/metric-kind.js';
import { isLabelName, isMetricName, validateMetricName } from '../model/naming.js';
import { isNativeOptions } from '../model/native-bins.js';
import { MAX_WINDOWS } from '../model/sketch.js';
import { isCanonicalKey } from './canonical-key.js';
import { crc32 } from './crc32.js';
import { pack } from './pack.js';
import { unpack } from './unpack.js';
import { RECORD, RecordKind, SERIES } from './layout.js';

export interface SeriesRecord {
  family: number;
  block: number;
  slot: number;
  createdAt: number;
  /** Archives only; else 0. */
  endedAt: number;
  labelValues: readonly (string | undefined)[];
}

/** Facts about the process that declares a family, for readers. */
export interface ProcessFlags {
  /** The process is the primary of a cluster: it has forked workers. */
  primary?: boolean;
  /** Two registries without a name have shown a family of this name in one process. */
  ambiguous?: boolean;
}

/** The body of a Family record. */
export interface FamilyRecord extends FamilyDeclaration, ProcessFlags {
  id: number;
  /** Ids of the registries that show the family: see model/registry-id.ts. */
  registries: readonly string[];
  /** Seconds since the epoch. */
  declaredAt: number;
  /** Archives only: the last of labelNames is the `pid` that the mode adds. */
  pidLabelled?: boolean;
  /** Archives only: number of labelNames, before that `pid`, that were default labels of a registry. */
  bakedLabels?: number;
  /**
   * Archives only, for process-wide families: the process (process-key.ts) that these values belong to. Some of its threads
   * have ended, and others may still have files.
   */
  ofProcess?: string;
  /** Archives only: when a process that declares the family was last seen alive, in seconds since the epoch. */
  lastSeenAt?: number;
  /** client_python's files only: they have no creation times of series. */
  undated?: boolean;
}

/** The labels that the user has declared, without the default labels and `pid` that an archive stores with every series. */
export function ownLabelNames({
  labelNames,
  bakedLabels = 0,
  pidLabelled = false,
}: Omit<FamilyRecord, 'id'>): readonly string[] {
  const added = bakedLabels + Number(pidLabelled);
  return added === 0 ? labelNames : labelNames.slice(0, labelNames.length - added);
}

/** Checks a Family record that anybody may have written. @throws {TypeError} with the name of the invalid field */
export function checkFamilyRecord(body: unknown): FamilyRecord {
  const family = body as FamilyRecord;
  const isStrings = (value: unknown): boolean =>
    Array.isArray(value) && value.every((item) => typeof item === 'string');
  const isNumbers = (value: unknown): boolean =>
    Array.isArray(value) && value.every((item) => typeof item === 'number');
  const rule = (holds: boolean, field: string): void => {
    if (!holds) throw new TypeError(`the field ${field} of a family is wrong`);
  };
  rule(typeof body === 'object' && body !== null, 'itself');
  rule(Number.isInteger(family.id), 'id');
  const { nameValidation } = family;
  rule(nameValidation === undefined || nameValidation === 'utf8', 'nameValidation');
  rule(typeof family.name === 'string' && isMetricName(family.name, nameValidation ?? 'legacy'), 'name');
  rule(typeof family.help === 'string', 'help');
  rule(METRIC_KINDS.has(family.type), 'type');
  const { lineLabel, hasBounds } = metricKind(family.type);
  rule(
    isStrings(family.labelNames) && family.labelNames.every((name) => isLabelName(name, nameValidation)),
    'labelNames',
  );
  // duplicates would repeat a series in the output, or a label in a line
  rule(new Set(family.labelNames).size === family.labelNames.length, 'labelNames');
  rule(lineLabel === undefined || !family.labelNames.includes(lineLabel), 'labelNames');
  rule(family.openLabels === undefined || typeof family.openLabels === 'boolean', 'openLabels');
  rule(isStrings(family.registries), 'registries');
  rule(typeof family.declaredAt === 'number', 'declaredAt');
  rule(family.primary === undefined || typeof family.primary === 'boolean', 'primary');
  rule(family.ambiguous === undefined || typeof family.ambiguous === 'boolean', 'ambiguous');
  rule(family.unit === undefined || (typeof family.unit === 'string' && validateMetricName(family.unit)), 'unit');
  const baked = family.bakedLabels ?? 0;
  rule(Number.isInteger(baked) && baked >= 0 && baked <= family.labelNames.length, 'bakedLabels');
  rule(family.pidLabelled !== true || family.labelNames.at(-1) === 'pid', 'pidLabelled');
  rule(family.processWide === undefined || typeof family.processWide === 'boolean', 'processWide');
  rule(family.processWide !== true || metricKind(family.type).mayBeProcessWide, 'processWide');
  rule(
    family.ofProcess === undefined || (family.processWide === true && typeof family.ofProcess === 'string'),
    'ofProcess',
  );
  const { expireAfterSeconds: expiry } = family;
  rule(expiry === undefined || (typeof expiry === 'number' && expiry > 0), 'expireAfterSeconds');
  rule(family.gaugeMode === undefined || typeof family.gaugeMode === 'string', 'gaugeMode');
  rule(!hasBounds || isAscending(family.bounds), 'bounds');
  rule(family.native === undefined || (hasBounds && isNativeOptions(family.native)), 'native');
  rule(family.quantiles === undefined || isNumbers(family.quantiles), 'quantiles');
  const { window } = family;
  rule(window === undefined || (window.seconds > 0 && window.count >= 1 && window.count <= MAX_WINDOWS), 'window');
  // a quantile that is declared twice would be shown twice
  return family.quantiles === undefined
    ? family
    : { ...family, quantiles: [...new Set(family.quantiles)].slice(0, MAX_QUANTILES) };
}

/** Every series of a summary has a line per quantile: a list of 100,000 would make a response of any size. */
const MAX_QUANTILES = 100;

function isAscending(bounds: unknown): boolean {
  if (!Array.isArray(bounds)) return false;
  return bounds.every((bound, at) => Number.isFinite(bound) && (at === 0 || bound > bounds[at - 1]));
}

/** Bytes of a key: equal for equal label values, in every process. */
export function encodeKey(labelValues: readonly (string | undefined)[]): Uint8Array {
  return pack(labelValues.map((value) => value ?? null));
}

/**
 * Decodes the label values of a key. Labels that the family got later have no value.
 *
 * @param count number of labels of the family, for bytes that are not trusted
 * @throws {TypeError} where they are not an array of at most so many strings and nil, in its shortest form
 */
export function decodeKey(key: Uint8Array, count?: number): (string | undefined)[] {
  if (count !== undefined && !isCanonicalKey(key, count)) {
    throw new TypeError(
      `a key of ${count} labels is an array of at most as many strings and nil, in its shortest form`,
    );
  }
  const values: unknown = unpack(key);
  if (!Array.isArray(values)) throw new TypeError('a key is an array');
  return values.map((value: unknown) => {
    if (value === null || value === undefined) return undefined;
    if (typeof value !== 'string') throw new TypeError('a label value is a string or nil');
    return value;
  });
}

export function encodeSeries(series: SeriesRecord): Uint8Array {
  return encodeKeyedSeries(series, encodeKey(series.labelValues));
}

/** The same for a caller that has the bytes of the key already. */
export function encodeKeyedSeries(series: Omit<SeriesRecord, 'labelValues'>, key: Uint8Array): Uint8Array {
  const { record, view } = newRecord(RecordKind.Series, SERIES.key + key.length);
  view.setUint32(SERIES.family, series.family, LITTLE_ENDIAN);
  view.setUint32(SERIES.block, series.block, LITTLE_ENDIAN);
  view.setUint32(SERIES.slot, series.slot, LITTLE_ENDIAN);
  view.setFloat64(SERIES.createdAt, series.createdAt, LITTLE_ENDIAN);
  view.setFloat64(SERIES.endedAt, series.endedAt, LITTLE_ENDIAN);
  view.setUint32(SERIES.keyLength, key.length, LITTLE_ENDIAN);
  record.set(key, SERIES.key);
  return seal(record, view);
}

export function encodeFamily(family: {
  id: number;
  declaration: FamilyDeclaration;
  registries: readonly string[];
  declaredAt: number;
  flags?: ProcessFlags;
}): Uint8Array {
  const { id, declaration, registries, declaredAt, flags } = family;
  return encodeRecord(RecordKind.Family, { id, registries, declaredAt, ...flags, ...declaration });
}

export function encodeRemoval(block: number, slot: number): Uint8Array {
  return encodeRecord(RecordKind.Removal, { block, slot });
}

/** @param moves from and to: block, slot, block, slot of each gauge */
export function encodeReplacement(moves: readonly number[]): Uint8Array {
  return encodeRecord(RecordKind.Replacement, { moves });
}

export function encodeDefaultLabels(registry: string, labels: Readonly<Record<string, string>>): Uint8Array {
  return encodeRecord(RecordKind.DefaultLabels, { registry, labels });
}

/** A record whose body has fixed fields; `write` gets them as zeros. */
export function encodeFixedRecord(kind: RecordKind, bytes: number, write: (body: DataView) => void): Uint8Array {
  const { record, view } = newRecord(kind, RECORD.body + bytes);
  view.setUint32(RECORD.bodyLength, bytes, LITTLE_ENDIAN);
  write(new DataView(record.buffer, RECORD.body, bytes));
  return seal(record, view);
}

/** Any record whose body is one msgpack map. */
export function encodeRecord(kind: RecordKind, body: object): Uint8Array {
  const packed = pack(body);
  const { record, view } = newRecord(kind, RECORD.body + packed.length);
  view.setUint32(RECORD.bodyLength, packed.length, LITTLE_ENDIAN);
  record.set(packed, RECORD.body);
  return seal(record, view);
}

function newRecord(kind: RecordKind, bytes: number): { record: Uint8Array; view: DataView } {
  const length = Math.ceil(bytes / RECORD.alignment) * RECORD.alignment;
  const record = new Uint8Array(length);
  const view = new DataView(record.buffer);
  view.setUint32(RECORD.length, length, LITTLE_ENDIAN);
  view.setUint32(RECORD.kind, kind, LITTLE_ENDIAN);
  return { record, view };
}

function seal(record: Uint8Array, view: DataView): Uint8Array {
  view.setUint32(RECORD.crc, crc32(record, RECORD.kind, record.length), LITTLE_ENDIAN);
  return record;
}

/** Receives each record in order. `body` decodes the map (or array) of a record that is not a Series. */
export interface RecordVisitor {
  /** `key` bytes are `bytes[keyStart, keyEnd)`. */
  series(
    family: number,
    block: number,
    slot: number,
    createdAt: number,
    endedAt: number,
    bytes: Uint8Array,
    keyStart: number,
    keyEnd: number,
  ): void;
  /** `offset` is that of the record in the file. The body of a NativeChunk is its bytes. */
  other(kind: number, body: () => unknown, offset: number): void;
}

/**
 * Walks records, and checks every length and checksum. Returns how many bytes it has walked over.
 *
 * @param offset of the bytes in the file
 * @param logBytes up to the end of the log, if the bytes are a part of it: a record that goes beyond them is left for the next
 * part
 * @throws {BadFileError} ERR_CORRUPT_FILE at the first record that breaks a rule; those before it were visited
 */
export function walkRecords(
  bytes: Uint8Array,
  visitor: RecordVisitor,
  file: string,
  offset: number,
  logBytes = bytes.length,
): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const corrupt = (at: number, reason: string, requiredBytes?: number): BadFileError =>
    new BadFileError('ERR_CORRUPT_FILE', reason, {
      file,
      offset: offset + at,
      requiredBytes,
      availableBytes: requiredBytes === undefined ? undefined : logBytes - at,
    });
  const end = bytes.length;
  let at = 0;
  while (at < end) {
    if (logBytes - at < RECORD.body) throw corrupt(at, 'a record is cut off', RECORD.body);
    if (end - at < RECORD.body) break;
    const length = view.getUint32(at + RECORD.length, LITTLE_ENDIAN);
    if (length < RECORD.body || length % RECORD.alignment !== 0) throw corrupt(at, `a record of length ${length}`);
    if (length > logBytes - at) throw corrupt(at, 'a record is longer than the log', length);
    if (length > end - at) break;
    const next = at + length;
    if (view.getUint32(at + RECORD.crc, LITTLE_ENDIAN) !== crc32(bytes, at + RECORD.kind, next)) {
      throw corrupt(at, 'the checksum of a record is wrong');
    }
    const kind = view.getUint32(at + RECORD.kind, LITTLE_ENDIAN);
    if (kind === RecordKind.Series) {
      if (length < SERIES.key) throw corrupt(at, 'a series record is cut off', SERIES.key);
      const keyStart = at + SERIES.key;
      const keyEnd = keyStart + view.getUint32(at + SERIES.keyLength, LITTLE_ENDIAN);
      if (keyEnd > next) throw corrupt(at, 'a key is longer than its record', keyEnd - at);
      // readers compare keys by whole words
      for (let rest = keyEnd; rest < next; rest++) {
        if (bytes[rest] !== 0) throw corrupt(at, 'there is something behind the key of a series');
      }
      visitor.series(
        view.getUint32(at + SERIES.family, LITTLE_ENDIAN),
        view.getUint32(at + SERIES.block, LITTLE_ENDIAN),
        view.getUint32(at + SERIES.slot, LITTLE_ENDIAN),
        view.getFloat64(at + SERIES.createdAt, LITTLE_ENDIAN),
        view.getFloat64(at + SERIES.endedAt, LITTLE_ENDIAN),
        bytes,
        keyStart,
        keyEnd,
      );
    } else {
      const from = at + RECORD.body;
      const to = from + view.getUint32(at + RECORD.bodyLength, LITTLE_ENDIAN);
      if (to > next) throw corrupt(at, 'a body is longer than its record', to - at);
      const body = (): unknown => {
        if (kind === RecordKind.NativeChunk) return bytes.subarray(from, to);
        const value = unpack(bytes.subarray(from, to));
        if (typeof value !== 'object' || value === null) {
          throw corrupt(at, 'the body of a record is no plain msgpack map');
        }
        return value;
      };
      visitor.other(kind, body, offset + at);
    }
    at = next;
  }
  return at;
}
