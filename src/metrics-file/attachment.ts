/**
 * Attachments: slots that belong to a series beside its own, such as the chunks of a summary's sketch. One row per kind; the
 * log, the check, merging and folding handle all kinds alike, and only their values differ.
 */
import { isChunk, isSchema, nativeSlots } from '../model/native-bins.js';
import { LITTLE_ENDIAN } from '../model/byte-order.js';
import { BlockKind, EXEMPLAR, NATIVE_CHUNK, RecordKind, SKETCH, type ValueBlockKind } from './layout.js';
import { encodeFixedRecord, encodeRecord } from './record.js';
import { type Address, addressOf, isCount, ownerOf } from './record-bodies.js';
import type { SlotShape } from './slot-shape.js';

/** A chunk of a summary's sketch: `model/sketch.ts`. */
export interface SketchRole {
  readonly kind: 'sketch';
  readonly sign: -1 | 0 | 1;
  readonly chunk: number;
  readonly windows: number;
  /** 0: one permanent window. */
  readonly windowSeconds: number;
}

/** A chunk of a native histogram: `model/native-bins.ts`. */
export interface NativeRole {
  readonly kind: 'native';
  /** 0: one slot, the count of the zero bucket. */
  readonly sign: -1 | 0 | 1;
  readonly chunk: number;
  readonly schema: number;
}

export interface ExemplarRole {
  readonly kind: 'exemplar';
  /** The slot that the exemplar belongs to, counted from the series' first slot. */
  readonly slotOffset: number;
}

/** The use of an attachment, with the facts that a reader needs. */
export type AttachmentRole = SketchRole | NativeRole | ExemplarRole;

/** The record of an attachment. */
export interface AttachmentBody extends Address {
  readonly owner: Address;
  readonly role: AttachmentRole;
}

type Fields = Readonly<Record<string, unknown>>;

interface Row<R extends AttachmentRole> {
  readonly record: RecordKind;
  readonly block: ValueBlockKind;
  readonly slots: (role: R) => number;
  /** Returns the role of a body that anybody may have written; undefined where it is invalid. Native chunks have no map. */
  readonly decode?: (fields: Fields) => R | undefined;
}

const ROWS: { readonly [K in AttachmentRole['kind']]: Row<Extract<AttachmentRole, { kind: K }>> } = {
  sketch: {
    record: RecordKind.SketchChunk,
    block: BlockKind.Sketch,
    slots: ({ windows }) => windows * SKETCH.windowSlots,
    decode: ({ sign, chunk, windows, windowSeconds }) => {
      const isValid =
        (sign === -1 || sign === 0 || sign === 1) &&
        Number.isInteger(chunk) &&
        isCount(windows) &&
        windows > 0 &&
        typeof windowSeconds === 'number' &&
        windowSeconds >= 0;
      return isValid ? { kind: 'sketch', sign, chunk: chunk as number, windows, windowSeconds } : undefined;
    },
  },
  native: {
    record: RecordKind.NativeChunk,
    block: BlockKind.Native,
    slots: nativeSlots,
  },
  exemplar: {
    record: RecordKind.ExemplarCell,
    block: BlockKind.Exemplar,
    slots: () => EXEMPLAR.bytes / Float64Array.BYTES_PER_ELEMENT,
    decode: ({ slotOffset }) => (isCount(slotOffset) ? { kind: 'exemplar', slotOffset } : undefined),
  },
};

function rowOf({ kind }: AttachmentRole): Row<AttachmentRole> {
  return ROWS[kind] as unknown as Row<AttachmentRole>;
}

/** The slots of an attachment. */
export function attachmentShape(role: AttachmentRole): SlotShape {
  const { block, slots } = rowOf(role);
  return { kind: block, slots: slots(role) };
}

export function encodeAttachment({ block, slot, owner, role }: AttachmentBody): Uint8Array {
  if (role.kind === 'native') {
    return encodeFixedRecord(RecordKind.NativeChunk, NATIVE_CHUNK.bytes, (body) => {
      body.setUint16(NATIVE_CHUNK.block, block, LITTLE_ENDIAN);
      body.setUint16(NATIVE_CHUNK.ownerBlock, owner.block, LITTLE_ENDIAN);
      body.setUint32(NATIVE_CHUNK.slot, slot, LITTLE_ENDIAN);
      body.setUint32(NATIVE_CHUNK.ownerSlot, owner.slot, LITTLE_ENDIAN);
      body.setInt16(NATIVE_CHUNK.chunk, role.chunk, LITTLE_ENDIAN);
      body.setInt8(NATIVE_CHUNK.schema, role.schema);
      body.setInt8(NATIVE_CHUNK.sign, role.sign);
    });
  }
  const { kind: _, ...facts } = role;
  return encodeRecord(rowOf(role).record, { block, slot, owner: [owner.block, owner.slot], ...facts });
}

/** Returns the decoder of each kind of record that is an attachment; it returns undefined where a body is invalid. */
export function attachmentDecoders(): [RecordKind, (body: unknown) => AttachmentBody | undefined][] {
  return Object.values(ROWS).map(({ record, decode }) => [
    record,
    decode === undefined ? nativeChunkOf : (body) => mapBodyOf(body as Fields, decode),
  ]);
}

function mapBodyOf(body: Fields, decode: (fields: Fields) => AttachmentRole | undefined): AttachmentBody | undefined {
  const address = addressOf(body);
  const owner = ownerOf(body.owner);
  const role = decode(body);
  return address === undefined || owner === undefined || role === undefined ? undefined : { ...address, owner, role };
}

function nativeChunkOf(bytes: unknown): AttachmentBody | undefined {
  if (!(bytes instanceof Uint8Array) || bytes.length !== NATIVE_CHUNK.bytes) return undefined;
  const body = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const schema = body.getInt8(NATIVE_CHUNK.schema);
  const sign = body.getInt8(NATIVE_CHUNK.sign);
  const chunk = body.getInt16(NATIVE_CHUNK.chunk, LITTLE_ENDIAN);
  if (!(sign === -1 || sign === 0 || sign === 1) || !isSchema(schema) || !isChunk(schema, chunk)) return undefined;
  return {
    block: body.getUint16(NATIVE_CHUNK.block, LITTLE_ENDIAN),
    slot: body.getUint32(NATIVE_CHUNK.slot, LITTLE_ENDIAN),
    owner: {
      block: body.getUint16(NATIVE_CHUNK.ownerBlock, LITTLE_ENDIAN),
      slot: body.getUint32(NATIVE_CHUNK.ownerSlot, LITTLE_ENDIAN),
    },
    role: nativeRole(sign, chunk, schema),
  };
}

const NATIVE_ROLES = new Map<number, NativeRole>();

/** Returns the role with these facts. Equal roles are one object: a process may have a million chunks. */
export function nativeRole(sign: -1 | 0 | 1, chunk: number, schema: number): NativeRole {
  const key = (chunk * 32 + schema + 8) * 4 + sign + 1;
  let role = NATIVE_ROLES.get(key);
  if (role === undefined) NATIVE_ROLES.set(key, (role = { kind: 'native', sign, chunk, schema }));
  return role;
}
