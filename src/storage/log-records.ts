/** Builds the records of series and attachments that are in the file. */
import { RecordKind } from '../metrics-file/layout.js';
import { encodeRecord, encodeSeries } from '../metrics-file/record.js';
import { EXEMPLAR_SHAPE, sketchChunkShape, type SlotShape } from '../metrics-file/slot-shape.js';
import type { Attachment, AttachmentRole, Series } from './series.js';
import type { Cells } from './value-blocks.js';

/** Whether slots are in the file, and not in memory. */
export function isInFile(cells: Cells): boolean {
  return cells.block !== undefined && cells.block.number >= 0;
}

/** The record of a series. */
export function seriesRecord(series: Series): Uint8Array {
  return encodeSeries({
    family: series.family.id,
    block: series.block!.number,
    slot: series.index,
    createdAt: series.createdAt,
    endedAt: 0,
    labelValues: series.labelValues,
  });
}

/** The record of an attachment. */
export function attachmentRecord(attachment: Attachment): Uint8Array {
  const { role, owner } = attachment;
  const at = { block: attachment.block!.number, slot: attachment.index, owner: [owner.block!.number, owner.index] };
  if (role.kind === 'sketch') {
    const { sign, chunk, windows } = role;
    const windowSeconds = owner.family.declaration.window?.seconds ?? 0;
    return encodeRecord(RecordKind.SketchChunk, { ...at, sign, chunk, windows, windowSeconds });
  }
  return encodeRecord(RecordKind.ExemplarCell, { ...at, slotOffset: role.slotOffset });
}

/** The slots of an attachment. */
export function attachmentShape(role: AttachmentRole): SlotShape {
  return role.kind === 'sketch' ? sketchChunkShape(role.windows) : EXEMPLAR_SHAPE;
}
