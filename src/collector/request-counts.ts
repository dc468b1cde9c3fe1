/** The HTTP requests of each process, by the metric of httpMetrics() or of a library that is in wide use. */
import type { MergedFamily } from '../merge/merged-family.js';
import type { MergedPart } from '../merge/merged-part.js';
import { parseLabelText } from '../exposition/labels.js';
import type { MetricsFile } from './metrics-file.js';

/** Totals since the process started. */
export interface RequestCounts {
  readonly requests: number;
  /** Requests with a status of 5xx; undefined where the metric has no label with the status. */
  readonly failed: number | undefined;
}

/** The first of these that a process has counts its requests; one with a label for the status is preferred. */
const NAMES = [
  // httpMetrics(), express-prom-bundle, fastify-metrics, @promster, prometheus-api-metrics, @hono/prometheus, and most examples
  'http_requests_total',
  'http_request_duration_seconds',
  'http_request_duration_ms',
  // instrumentations of OpenTelemetry
  'http_server_request_duration_seconds',
  'http_server_request_duration',
  'http_server_duration_milliseconds',
  // Python: client_python's histograms have no count of this kind
  'flask_http_request_total',
  'starlette_requests_total',
  'django_http_responses_total_by_status_total',
];
/** With the prefix of an application, unless it names requests that the application makes. */
const PREFIXED =
  /^(?!.*(?:client|outgoing|outbound|upstream)).+_(?:http_requests_total|http_request_duration_seconds)$/;
const STATUS_LABELS = ['status_code', 'code', 'status', 'http_response_status_code', 'http_status_code'];
const FAILED = /^5(?:\d\d|xx)$/i;

/**
 * The requests of each living process, by the name of its file; without those that no known metric counts.
 *
 * @param families of all registries: the requests of a process do not depend on what an output shows
 */
export function requestCounts(
  files: readonly MetricsFile[],
  families: readonly MergedFamily[],
): Map<string, RequestCounts> {
  const byName = new Map<string, MergedFamily[]>();
  for (const family of families) {
    const name = withoutDots(family.name);
    if (NAMES.includes(name) || PREFIXED.test(name)) byName.set(name, [...(byName.get(name) ?? []), family]);
  }
  const candidates = [...new Set([...NAMES, ...byName.keys()])].flatMap((name) => [byName.get(name) ?? []]);
  const counts = new Map<string, RequestCounts>();
  for (const { kind, liveness, part, writer } of files) {
    if (kind === 'archive' || liveness === 'dead' || counts.has(writer.files)) continue;
    const own = countsIn(part, candidates);
    if (own !== undefined) counts.set(writer.files, own);
  }
  return counts;
}

function countsIn(part: MergedPart, candidates: readonly (readonly MergedFamily[])[]): RequestCounts | undefined {
  let withoutStatus: RequestCounts | undefined;
  for (const each of candidates) {
    const counts = countsOf(each, part);
    if (counts?.failed !== undefined) return counts;
    withoutStatus ??= counts;
  }
  return withoutStatus;
}

/** @param families of one name, in several registries */
function countsOf(families: readonly MergedFamily[], part: MergedPart): RequestCounts | undefined {
  let requests: number | undefined;
  let failed: number | undefined;
  for (const family of families) {
    for (const [series, value] of part.ownCounts(family)) {
      requests = (requests ?? 0) + value;
      const outcome = outcomeOf(family.index.texts.of(series));
      if (outcome !== 'unknown') failed = (failed ?? 0) + (outcome === 'failed' ? value : 0);
    }
  }
  return requests === undefined ? undefined : { requests, failed };
}

type Outcome = 'failed' | 'served' | 'unknown';

/** By label text: the text of a series does not change, and each has to be parsed once. */
const outcomes = new Map<string, Outcome>();
const MAX_REMEMBERED = 20_000;

function outcomeOf(text: string): Outcome {
  let outcome = outcomes.get(text);
  if (outcome !== undefined) return outcome;
  const labels = Object.entries(parseLabelText(text)).map(([name, value]) => [withoutDots(name), value]);
  const status = labels.filter(([name]) => STATUS_LABELS.includes(name)).map(([, value]) => value);
  outcome = status.length === 0 ? 'unknown' : status.some((value) => FAILED.test(value)) ? 'failed' : 'served';
  if (outcomes.size > MAX_REMEMBERED) outcomes.clear();
  outcomes.set(text, outcome);
  return outcome;
}

/** OpenTelemetry's names, where they keep their dots. */
function withoutDots(name: string): string {
  return name.replaceAll('.', '_');
}
