import { SKETCH } from '../metrics-file/layout.js';
import type { ReaderBlock } from '../metrics-file/reader.js';
import type { SketchRole } from '../metrics-file/attachment.js';
import { isWindowAlive, type Sketch, windowEpoch } from '../model/sketch.js';

/** Adds a chunk of a file's sketch from the last reading; false where one of its values is not a finite number. */
export function addSketch(
  sketch: Sketch,
  block: ReaderBlock,
  { slot, role }: { readonly slot: number; readonly role: SketchRole },
  nowSeconds: number,
): boolean {
  const { values, isSound } = block;
  const { sign, chunk, windows, windowSeconds } = role;
  const end = slot + windows * SKETCH.windowSlots;
  if (end > values.length) return true;
  if (!isSound && !values.subarray(slot, end).every(Number.isFinite)) return false;
  const epoch = windowEpoch(nowSeconds, windowSeconds);
  const bins = sketch.chunk(sign, chunk);
  for (let from = slot; from < end; from += SKETCH.windowSlots) {
    // a window that has expired, or that its writer has just emptied
    if (!isWindowAlive(values[from], epoch, windows)) continue;
    for (let bin = 0; bin < SKETCH.bins; bin++) bins[bin] += values[from + 1 + bin];
  }
  return true;
}
