/** The formats, one row each. If an Accept header gives several the same quality, the first row wins. */
import { invalidArgument } from '../errors.js';
import type { Format, Offer } from './format.js';
import { openMetrics2Format } from './openmetrics2-format.js';
import { protobufFormat } from './protobuf-format.js';
import { CONTENT_TYPES, OPENMETRICS, TEXT } from './text-dialect.js';
import { textFormat } from './text-format.js';

const PROTOBUF = { proto: 'io.prometheus.client.MetricFamily', encoding: 'delimited' } as const;
const PROTOBUF_TYPE = `application/vnd.google.protobuf; proto=${PROTOBUF.proto}; encoding=${PROTOBUF.encoding}`;

const ROWS = {
  text: textFormat(TEXT, [
    offer(CONTENT_TYPES.text, ['', '0.0.4'], false),
    // 0.0.4 with UTF-8 names
    offer(CONTENT_TYPES.text.replace('0.0.4', '1.0.0'), ['', '1.0.0']),
  ]),
  openmetrics: textFormat(OPENMETRICS, [
    offer(CONTENT_TYPES.openmetrics, ['', '1.0.0']),
    // the draft before 1.0.0, which Prometheus 2.5 to 2.4x request; its lines are the same
    offer(CONTENT_TYPES.openmetrics.replace('1.0.0', '0.0.1'), ['', '0.0.1'], false),
  ]),
  protobuf: protobufFormat('protobuf', [{ ...offer(PROTOBUF_TYPE, ['']), parameters: PROTOBUF }]),
  openmetrics2: openMetrics2Format('openmetrics2', [
    offer(CONTENT_TYPES.openmetrics.replace('1.0.0', '2.0.0'), ['2.0.0']),
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

function offer(contentType: string, versions: readonly string[], escapes = true): Offer {
  const mediaType = contentType.slice(0, contentType.indexOf(';'));
  return { mediaType, contentType, versions: new Set(versions), escapes };
}
