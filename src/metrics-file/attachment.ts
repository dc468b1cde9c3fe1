/**
 * Attachments: slots that belong to a series beside its own, such as the chunks of a summary's sketch. One row per kind; the
 * log, the check, merging and folding handle all kinds alike, and only their values differ.
 */
import { isChunk, isSchema, nativeSlots } from '../model/native-bins.js';
import { BlockKind, EXEMPLAR, RecordKind, SKETCH, type ValueBlockKind } from './layout.js';
import { encodeRecord } from './record.js';
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
  /** Returns the role of a body that anybody may have written; undefined where it is invalid. */
  readonly decode: (fields: Fields) => R | undefined;
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
    decode: ({ sign, chunk, schema }) =>
      (sign === -1 || sign === 0 || sign === 1) && isSchema(schema) && isChunk(schema, chunk)
        ? { kind: 'native', sign, chunk, schema }
        : undefined,
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
  const { kind: _, ...facts } = role;
  return encodeRecord(rowOf(role).record, { block, slot, owner: [owner.block, owner.slot], ...facts });
}

/** Returns the decoder of each kind of record that is an attachment; it returns undefined where a body is invalid. */
export function attachmentDecoders(): [RecordKind, (body: unknown) => AttachmentBody | undefined][] {
  return Object.values(ROWS).map(({ record, decode }) => [
    record,
    (body) => {
      const address = addressOf(body);
      const owner = ownerOf((body as Fields).owner);
      const role = decode(body as Fields);
      return address === undefined || owner === undefined || role === undefined
        ? undefined
        : { ...address, owner, role };
    },
  ]);
}
