import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import type { MultiprocessMode } from '../model/gauge-mode.js';

/** How the instruments of a name are counted and shown. Of several views for an instrument the first one is used. */
export interface View {
  /** The name of the instruments; `*` is any text and `?` any character. */
  readonly instrument: string;
  /** The name of their meter, with the same wildcards. Default: any. */
  readonly meter?: string;
  /** Another name, which gets its unit and `_total` as any name does. */
  readonly name?: string;
  readonly description?: string;
  /** The attributes that are kept; series that only differ in others become one. */
  readonly attributeKeys?: readonly string[];
  /** Upper bounds of histograms. */
  readonly boundaries?: readonly number[];
  /**
   * Makes a native histogram whose buckets grow by at most this factor, such as 1.1; without `boundaries` it has no classic
   * buckets.
   */
  readonly nativeBucketFactor?: number;
  /** Nothing is counted. */
  readonly drop?: boolean;
  /** How gauges and up-down counters of several processes are merged. */
  readonly gaugeMode?: MultiprocessMode;
  /** Maximum number of series in this process; samples of further ones are dropped and counted. */
  readonly maxSeries?: number;
}

export type ViewFinder = (instrument: string, meter: string) => View;

const NO_VIEW: View = { instrument: '*' };

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for a view without a name pattern */
export function viewFinder(views: readonly View[]): ViewFinder {
  const rows = views.map((view) => {
    if (typeof view?.instrument !== 'string') {
      throw invalidArgument(
        `a view names its instruments, such as { instrument: 'http.server.*' }, unlike ${inspect(view)}`,
      );
    }
    return { view, instrument: pattern(view.instrument), meter: pattern(view.meter ?? '*') };
  });
  return (name, meter) => rows.find((row) => row.instrument.test(name) && row.meter.test(meter))?.view ?? NO_VIEW;
}

function pattern(text: string): RegExp {
  const source = text
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  // names of instruments are not case sensitive
  return new RegExp(`^${source}$`, 'is');
}
