import type { MetricType } from '../model/metric-family.js';
import { createdName, metricKind } from '../model/metric-kind.js';
import type { NamedFamily } from './format.js';

/** The content types of prom-client 15.1.3, character for character: its users compare them. */
export const CONTENT_TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const;

/** The differences between the text formats. */
export interface TextDialect {
  readonly name: string;
  /** The text between two families. */
  readonly separator: string;
  /** The text after the last family. */
  readonly end: string;
  /** Double quotes are escaped in help texts too; text 0.0.4 has no escape sequence for them there. */
  readonly quotesHelp: boolean;
  readonly hasUnits: boolean;
  readonly hasExemplars: boolean;
  /** Families may have `_created` samples of their own. */
  readonly hasCreated: boolean;
  /** The option `strict` changes the output. */
  readonly hasStrict: boolean;
  /** Returns the name and type of a family. */
  readonly nameOf: (family: NamedFamily, strict: boolean, take: Take) => FamilyName;
}

/** Claims names for a family. Returns false, and claims none, if another family has one of them. */
type Take = (...names: readonly string[]) => boolean;

export interface FamilyName {
  readonly name: string;
  readonly type: string;
  /** The name of the samples, if it is not the family's. */
  readonly sampleName?: string;
}

/** Prometheus' text format 0.0.4. */
export const TEXT = {
  name: 'text',
  separator: '\n',
  end: '',
  quotesHelp: false,
  hasUnits: false,
  hasExemplars: false,
  hasCreated: false,
  hasStrict: false,
  nameOf: ({ name, type }) => {
    const kind = metricKind(type);
    return { name: kind.ownName(name), type: kind.textType ?? type };
  },
} as const satisfies TextDialect;

/** OpenMetrics 1.0. It allows no blank lines, and without its end a scraper takes the body as truncated. */
export const OPENMETRICS = {
  name: 'openmetrics',
  separator: '',
  end: '# EOF\n',
  quotesHelp: true,
  hasUnits: true,
  hasExemplars: true,
  hasCreated: true,
  hasStrict: true,
  nameOf: openMetricsName,
} as const satisfies TextDialect;

/** The dialects by their names. */
export const TEXT_DIALECTS: ReadonlyMap<string, TextDialect> = new Map(
  [TEXT, OPENMETRICS].map((row) => [row.name, row]),
);

function openMetricsName(
  { name, type }: { readonly name: string; readonly type: MetricType },
  strict: boolean,
  take: Take,
): FamilyName {
  const { openMetrics, ownName, hasCreated } = metricKind(type);
  if (openMetrics === undefined) return { name, type };
  const { baseName, suffix, otherwise } = openMetrics;
  const base = baseName(name);
  const created = hasCreated ? [createdName(name, type)] : [];
  if (base !== undefined && take(base, ...created)) return { name: base, type };
  if (base === undefined && strict && take(name + suffix, ...created)) {
    return { name, type, sampleName: name + suffix };
  }
  return { name: ownName(name), type: otherwise };
}
