/** The formats, one row each. If an Accept header gives several the same quality, the first row wins. */
import { invalidArgument } from '../errors.js';
import type { Format } from './format.js';
import { openMetrics2Format } from './openmetrics2-format.js';
import { protobufFormat } from './protobuf-format.js';
import { CONTENT_TYPES, OPENMETRICS, TEXT } from './text-dialect.js';
import { textFormat } from './text-format.js';

const TEXT_TYPE = 'text/plain';
const OPENMETRICS_TYPE = 'application/openmetrics-text';
const PROTOBUF_TYPE = 'application/vnd.google.protobuf';

const ROWS = {
  text: textFormat(TEXT, [
    { mediaType: TEXT_TYPE, contentType: CONTENT_TYPES.text, versions: new Set(['', '0.0.4']), escapes: false },
    // 0.0.4 with UTF-8 names
    {
      mediaType: TEXT_TYPE,
      contentType: CONTENT_TYPES.text.replace('0.0.4', '1.0.0'),
      versions: new Set(['', '1.0.0']),
      escapes: true,
    },
  ]),
  openmetrics: textFormat(OPENMETRICS, [
    {
      mediaType: OPENMETRICS_TYPE,
      contentType: CONTENT_TYPES.openmetrics,
      versions: new Set(['', '1.0.0']),
      escapes: true,
    },
    // the draft before 1.0.0, which Prometheus 2.5 to 2.4x request; its lines are the same
    {
      mediaType: OPENMETRICS_TYPE,
      contentType: CONTENT_TYPES.openmetrics.replace('1.0.0', '0.0.1'),
      versions: new Set(['', '0.0.1']),
      escapes: false,
    },
  ]),
  protobuf: protobufFormat('protobuf', [
    {
      mediaType: PROTOBUF_TYPE,
      contentType: `${PROTOBUF_TYPE}; proto=io.prometheus.client.MetricFamily; encoding=delimited`,
      versions: new Set(['']),
      parameters: { proto: 'io.prometheus.client.MetricFamily', encoding: 'delimited' },
      escapes: true,
    },
  ]),
  openmetrics2: openMetrics2Format('openmetrics2', [
    {
      mediaType: OPENMETRICS_TYPE,
      contentType: CONTENT_TYPES.openmetrics.replace('1.0.0', '2.0.0'),
      versions: new Set(['2.0.0']),
      escapes: true,
    },
  ]),
} as const satisfies Readonly<Record<string, Format>>;

export type ExpositionFormat = keyof typeof ROWS;

export const FORMATS: ReadonlyMap<string, Format> = new Map(Object.entries(ROWS));

/** The format for a request that asks for none. */
export const FALLBACK: Format = ROWS.text;

/** Returns the row of a name. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where no format has the name */
export function formatOf(name: string): Format {
  const format = FORMATS.get(name);
  if (format !== undefined) return format;
  const names = [...FORMATS.keys()].join(', ');
  throw invalidArgument(`format ${JSON.stringify(name)} is not known: it is one of ${names}`);
}
