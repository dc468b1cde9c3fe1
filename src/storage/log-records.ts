/** Builds the records of series and attachments that are in the file. */
import { encodeAttachment } from '../metrics-file/attachment.js';
import { encodeSeries } from '../metrics-file/record.js';
import type { Attachment, Series } from './series.js';
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
    endedAt: series.family.idle?.get(series) ?? 0,
    labelValues: series.labelValues,
  });
}

/** The record of an attachment. */
export function attachmentRecord({ role, owner, block, index }: Attachment): Uint8Array {
  const ownerAt = { block: owner.block!.number, slot: owner.index };
  return encodeAttachment({ block: block!.number, slot: index, owner: ownerAt, role });
}
