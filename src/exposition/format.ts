/**
 * What a format of expositions is: a row of `formats.ts`. A scraper's Accept header chooses among the rows (`negotiate.ts`),
 * the collector keeps one writer for each format that is asked for, and the bodies are kept by the names of the formats.
 */
import type { Exemplar, MetricFamily } from '../model/metric-family.js';
import type { Line, MetricKind } from '../model/metric-kind.js';
import type { Escaping } from './name-escaping.js';

export interface Format {
  readonly name: string;
  /** As what a body may be served. The first is the one of a request that names the format; no quality prefers a later one. */
  readonly offers: readonly Offer[];
  /** Shows when series were made though nobody asked for `_created` samples. */
  readonly showsCreated?: boolean;
  /** The headings of all families of one exposition, in their order. */
  readonly headings: (families: readonly NamedFamily[], options: OutputRules) => Heading[];
  /** A whole exposition, of families in the given order. */
  readonly render: (families: readonly MetricFamily[], options?: OutputRules) => Uint8Array;
  /** The same for who renders again and again with other values. */
  readonly newWriter: (options: OutputRules) => ExpositionWriter;
}

/** A media type that a body is served as. */
export interface Offer {
  readonly mediaType: string;
  readonly contentType: string;
  /** Values of the parameter `version` that ask for it; '' where the header has none, and means any. */
  readonly versions: ReadonlySet<string>;
  /** Parameters that a header has to have, with these values. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Whether it has the parameter `escaping`, which chooses what UTF-8 names become. Where it has not, they are escaped. */
  readonly escapes: boolean;
}

export type NamedFamily = Pick<MetricFamily, 'name' | 'type'>;

export interface OutputRules {
  /** OpenMetrics as other libraries write it: every counter's samples end in `_total`; `le` and `quantile` are floats. */
  readonly strict?: boolean;
  /** What UTF-8 names become. Default: `underscores`. */
  readonly escaping?: Escaping;
}

/** What a family is called in a format. */
export interface Heading {
  /** Of the family itself, such as in HELP, TYPE and UNIT. */
  readonly name: string;
  /** As the format spells it. */
  readonly type: string;
  /** Of a counter's samples: the name that the user gave, unless strict OpenMetrics changes it. */
  readonly sampleName: string;
  readonly createdName: string;
  /** Where `_created` samples go: with the family's, into a family of their own, or nowhere, their name being taken. */
  readonly created: CreatedPlace;
  /** Whether samples may carry exemplars. */
  readonly exemplars: boolean;
  /** False where the format keeps the name for another family, and this one is left out. */
  readonly isShown: boolean;
}

export type CreatedPlace = 'within' | 'apart' | 'nowhere';

/** A family as a writer needs it. */
export interface FamilyHead extends Pick<MetricFamily, 'name' | 'help' | 'unit'> {
  readonly kind: MetricKind;
  /** The lines of each series. */
  readonly lines: readonly Line[];
}

/**
 * Writes the same series again and again with other values. The series are added once; `render` then takes their values in
 * the same order: of each series those of its lines, then when it was made if that stands `within` the family; those that
 * stand `apart` after the values of all series of the family.
 */
export interface ExpositionWriter {
  /**
   * Begins a family.
   *
   * @param created where its series show when they were made
   */
  family(family: FamilyHead, heading: Heading, created: CreatedPlace): void;
  /** Adds a series. `labels` are as `labelText` prints them. */
  series(labels: string): void;
  /** Ends the exposition: nothing is added any more. */
  end(): void;
  /** How many values `render` takes. */
  readonly valueCount: number;
  /**
   * @param exemplars at the places of the values that they stand behind; sparse
   * @returns a view of memory that the next `render` writes over: copy what is to be kept
   */
  render(values: Float64Array, exemplars: readonly (Exemplar | undefined)[]): Uint8Array;
}
