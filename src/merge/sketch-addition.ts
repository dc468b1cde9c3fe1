import { SKETCH } from '../metrics-file/layout.js';
import type { ReaderBlock } from '../metrics-file/reader.js';
import type { SketchChunkBody } from '../metrics-file/record-bodies.js';
import { isWindowAlive, type Sketch, windowEpoch } from '../model/sketch.js';

/** Adds a chunk of a file's sketch from the last reading; false where one of its values is not a finite number. */
export function addSketch(sketch: Sketch, block: ReaderBlock, chunk: SketchChunkBody, nowSeconds: number): boolean {
  const { values, isFinite } = block;
  const end = chunk.slot + chunk.windows * SKETCH.windowSlots;
  if (end > values.length) return true;
  if (!isFinite && !values.subarray(chunk.slot, end).every(Number.isFinite)) return false;
  const epoch = windowEpoch(nowSeconds, chunk.windowSeconds);
  const bins = sketch.chunk(chunk.sign, chunk.chunk);
  for (let from = chunk.slot; from < end; from += SKETCH.windowSlots) {
    // a window that has expired, or that its writer has just emptied
    if (!isWindowAlive(values[from], epoch, chunk.windows)) continue;
    for (let bin = 0; bin < SKETCH.bins; bin++) bins[bin] += values[from + 1 + bin];
  }
  return true;
}
