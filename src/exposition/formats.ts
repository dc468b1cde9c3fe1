/** The formats, one row each; among equals in an Accept header the first row wins. */
import { PromMultiprocError } from '../errors.js';
import type { Format } from './format.js';
import { OPENMETRICS, TEXT } from './text-dialect.js';
import { textFormat } from './text-format.js';

/** What prom-client 15.1.3 serves, letter for letter: its users compare these. */
export const CONTENT_TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const;

const OPENMETRICS_TYPE = 'application/openmetrics-text';

const ROWS = {
  text: textFormat(TEXT, [
    {
      mediaType: 'text/plain',
      contentType: CONTENT_TYPES.text,
      // 1.0.0 is 0.0.4 with UTF-8 names in quotes (Prometheus 3); there are no such names here
      versions: new Set(['', '0.0.4', '1.0.0']),
    },
  ]),
  openmetrics: textFormat(OPENMETRICS, [
    { mediaType: OPENMETRICS_TYPE, contentType: CONTENT_TYPES.openmetrics, versions: new Set(['', '1.0.0']) },
    {
      mediaType: OPENMETRICS_TYPE,
      // the draft before 1.0.0, which Prometheus 2.5 to 2.4x ask for; the lines are the same
      contentType: CONTENT_TYPES.openmetrics.replace('1.0.0', '0.0.1'),
      versions: new Set(['', '0.0.1']),
    },
  ]),
} as const satisfies Readonly<Record<string, Format>>;

export type ExpositionFormat = keyof typeof ROWS;

export const FORMATS: ReadonlyMap<string, Format> = new Map(Object.entries(ROWS));

/** What is served where nothing is asked for. */
export const FALLBACK: Format = ROWS.text;

/** The row of a name. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where there is none */
export function formatOf(name: string): Format {
  const format = FORMATS.get(name);
  if (format !== undefined) return format;
  const names = [...FORMATS.keys()].join(', ');
  throw new PromMultiprocError(
    'ERR_INVALID_ARGUMENT',
    `format ${JSON.stringify(name)} is not known: it is one of ${names}`,
  );
}
