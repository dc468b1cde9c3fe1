/**
 * A format of expositions: a row of `formats.ts`. A scraper's Accept header chooses among the rows (`negotiate.ts`), the
 * collector keeps one writer per requested format, and response bodies are cached by the name of the format.
 */
import type { Exemplar, MetricFamily } from '../model/metric-family.js';
import type { NativeReading } from '../model/native-histogram.js';
import type { Line, MetricKind } from '../model/metric-kind.js';
import type { Escaping } from './name-escaping.js';

export interface Format {
  readonly name: string;
  /**
   * The media types that a body may be served as. The first one is used for a request that names the format; the order gives
   * no preference in negotiation.
   */
  readonly offers: readonly Offer[];
  /** The format shows creation times of series even where the options ask for no `_created` samples. */
  readonly showsCreated?: boolean;
  /** The specification is not final: a request gets the format only where an option allows it. */
  readonly isDraft?: boolean;
  /** Returns the headings of all families of one exposition, in the same order. */
  readonly headings: (families: readonly NamedFamily[], options: OutputRules) => Heading[];
  /** Renders a whole exposition; the families stay in the given order. */
  readonly render: (families: readonly MetricFamily[], options?: OutputRules) => Uint8Array;
  /** Returns a writer for a caller that renders the same series again and again with other values. */
  readonly newWriter: (options: OutputRules) => ExpositionWriter;
}

/** A media type that a body is served as. */
export interface Offer {
  readonly mediaType: string;
  readonly contentType: string;
  /** Values of the parameter `version` that ask for this offer; '' if a header without `version` asks for it too. */
  readonly versions: ReadonlySet<string>;
  /** Parameters that the header must have, with these values. */
  readonly parameters?: Readonly<Record<string, string>>;
  /**
   * Whether the offer has the parameter `escaping`, which chooses how UTF-8 names are shown. Without it they are escaped.
   */
  readonly escapes: boolean;
}

export type NamedFamily = Pick<MetricFamily, 'name' | 'type'>;

export interface OutputRules {
  /** OpenMetrics as other libraries write it: every counter's samples end in `_total`; `le` and `quantile` are floats. */
  readonly strict?: boolean;
  /** How UTF-8 names are shown. Default: `underscores`. */
  readonly escaping?: Escaping;
}

/** The names and the type of a family in one format. */
export interface Heading {
  /** The name of the family, as in HELP, TYPE and UNIT. */
  readonly name: string;
  /** The type, in the spelling of the format. */
  readonly type: string;
  /** The name of a counter's samples: the one that the user gave, unless strict OpenMetrics changes it. */
  readonly sampleName: string;
  readonly createdName: string;
  /**
   * Where `_created` samples are written: within the family, apart as a family of their own, or nowhere because another
   * metric has their name.
   */
  readonly created: CreatedPlace;
  /** Whether samples may carry exemplars. */
  readonly exemplars: boolean;
  /** False where the format reserves the name for another family, so that this one is left out. */
  readonly isShown: boolean;
}

export type CreatedPlace = 'within' | 'apart' | 'nowhere';

/** The parts of a family that a writer needs. */
export interface FamilyHead extends Pick<MetricFamily, 'name' | 'help' | 'unit'> {
  readonly kind: MetricKind;
  readonly lines: readonly Line[];
  /** The series are native histograms. */
  readonly native?: boolean;
}

/** Takes the native histograms of a render, series after series. */
export interface NativeSink {
  begin(): void;
  /** The next histogram is as in the last render. Returns false if it has to be added nevertheless. */
  keep?(): boolean;
  /**
   * The next histogram has other counts. Returns false if it has to be added, because it has other buckets too.
   *
   * @param counts in which its counts have the places that `add` took
   * @param total the sum of its counts
   */
  update?(counts: Float64Array, total: number): boolean;
  /**
   * @param reading is only valid during the call
   * @param places of its counts, unless it has more than a zero bucket and positive ones
   */
  add(reading: NativeReading, places?: CountPlaces): void;
}

/** The indexes of a histogram's counts in an array: that of its zero count, and ranges of adjacent bins in ascending order. */
export interface CountPlaces {
  readonly zero: number;
  readonly ranges: readonly { readonly bin: number; readonly cell: number; readonly bins: number }[];
}

/**
 * Writes the same series again and again with other values. The caller adds the series once; `render` then takes their
 * values in the same order: for each series the values of its lines, followed by its creation time if that is written
 * `within` the family. Creation times that are written `apart` follow the values of all series of the family.
 */
export interface ExpositionWriter {
  /**
   * Prepares for series whose first values are known, so that the writer makes the right room for them. Called before the first family.
   *
   * @param spare memory of an earlier exposition that no reader has any more
   */
  begin?(values: Float64Array, spare: SharedArrayBuffer | undefined): void;
  /**
   * Begins a family.
   *
   * @param created where the creation times of its series are written
   */
  family(family: FamilyHead, heading: Heading, created: CreatedPlace): void;
  /** Adds a series. @param labels a text that `labelText` returned */
  series(labels: string): void;
  /**
   * The same for a text in ASCII, in bytes `[0, length)`. Undefined where the format needs strings. A million lines are written in half of
   * the time without strings.
   */
  asciiSeries?(labels: Uint8Array, length: number): void;
  /** Ends the exposition. Nothing may be added after this call. */
  end(): void;
  /**
   * Takes the native histograms of the series that have one, in their order, before `render`. Undefined where the format shows none.
   */
  readonly natives?: NativeSink;
  /**
   * Moves the exposition to other memory, since a reader still has the last one. Undefined where each render returns new memory.
   *
   * @param spare memory that no reader has any more
   */
  leaveMemory?(spare?: SharedArrayBuffer): void;
  /**
   * @param exemplars sparse; each at the index of the value that it belongs to
   * @returns a view of memory that the next `render` overwrites: copy it to keep it. Where the memory is shared, a reader in another thread
   * may have it until then.
   */
  render(values: Float64Array, exemplars: readonly (Exemplar | undefined)[]): Uint8Array;
}
