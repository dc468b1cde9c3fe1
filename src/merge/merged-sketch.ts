import { SKETCH } from '../mapped-file/layout.js';
import { quantileOfChunks, type SketchChunk } from '../model/sketch.js';

/** The sum of the sketches that several processes have of one series. */
export class MergedSketch {
  readonly #chunks = new Map<string, SketchChunk>();

  /** The 32 bins of a chunk, to add to. */
  chunk(sign: number, chunk: number): Float64Array {
    const key = `${sign}:${chunk}`;
    let known = this.#chunks.get(key);
    if (known === undefined) {
      known = { sign: Math.sign(sign) as -1 | 0 | 1, chunk, bins: new Float64Array(SKETCH.bins) };
      this.#chunks.set(key, known);
    }
    return known.bins;
  }

  clear(): void {
    for (const { bins } of this.#chunks.values()) bins.fill(0);
  }

  /** The value below which that share of the observations lies, within 1 %; 0 where there are none, as prom-client says. */
  quantile(share: number): number {
    return quantileOfChunks(this.#chunks.values(), share);
  }
}
