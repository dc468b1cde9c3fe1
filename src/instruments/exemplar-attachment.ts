/** The exemplars of a series: cells that the series owns beside its slots. */
import { readExemplarCell, writeExemplarCell } from '../metrics-file/exemplar-cell.js';
import { validateExemplarLabels } from '../model/exemplar.js';
import type { Exemplar } from '../model/metric-family.js';
import type { Attachment } from '../storage/series.js';
import type { Child, ChildHome } from './child.js';

/**
 * Sets the exemplar of one slot of a series. It replaces the previous one, unless it has no labels: such an exemplar leads
 * to no trace, and the previous one stays.
 *
 * @param child the owner of the series; undefined where its samples are dropped
 * @param slotOffset the offset of the slot from the first slot of the series
 * @throws {RangeError} prom-client's error, where the labels are too long
 */
export function setExemplar(
  { declaration }: ChildHome,
  child: Child | undefined,
  slotOffset: number,
  labels: object,
  value: number,
): void {
  const checked = validateExemplarLabels(labels as Record<string, unknown>, declaration.nameValidation);
  if (child === undefined || Object.keys(checked).length === 0) return;
  const cell = cellOf(child, slotOffset) ?? child.home.store.attachTo(child, { kind: 'exemplar', slotOffset });
  writeExemplarCell(cell.view, cell.index, { labels: checked, value, timestamp: Date.now() / 1000 });
}

export function exemplarOf(child: Child, slotOffset: number): Exemplar | undefined {
  const cell = cellOf(child, slotOffset);
  return cell && readExemplarCell(cell.view, cell.index);
}

function cellOf(child: Child, slotOffset: number): Attachment | undefined {
  return child.attachments?.find(({ role }) => role.kind === 'exemplar' && role.slotOffset === slotOffset);
}
