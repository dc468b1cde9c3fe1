/** The HTTP requests of each process, by the metric of httpMetrics() or of a library that is in wide use. */
import type { MergedFamily } from '../merge/merged-family.js';
import type { MergedPart } from '../merge/merged-part.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import { parseLabelText } from '../exposition/labels.js';

/** Totals since the process started. */
export interface RequestCounts {
  readonly requests: number;
  /** Requests with a status of 5xx. */
  readonly failed: number;
}

/** The first of these that a process has counts its requests. */
const NAMES = [
  // httpMetrics(), and most examples
  'http_requests_total',
  'http_request_duration_seconds',
  // instrumentations of OpenTelemetry
  'http_server_request_duration',
  'http_server_request_duration_seconds',
  'http_server_duration_milliseconds',
  // Python
  'flask_http_request_total',
  'starlette_requests_total',
  'django_http_responses_total_by_status_total',
];
const STATUS_LABELS = ['status_code', 'code', 'status', 'http_response_status_code', 'http_status_code'];
const FAILED = /^5(?:\d\d|xx)$/i;

/** Returns a function that counts the requests in one file; its result is undefined where no known metric counts them. */
export function requestCounter(selected: SelectedFamilies): (part: MergedPart) => RequestCounts | undefined {
  const families = NAMES.flatMap((name) => selected.families().find((family) => family.name === name) ?? []);
  return (part) => {
    for (const family of families) {
      const counts = countsOf(family, part);
      if (counts !== undefined) return counts;
    }
    return undefined;
  };
}

function countsOf(family: MergedFamily, part: MergedPart): RequestCounts | undefined {
  let counts: { requests: number; failed: number } | undefined;
  for (const { family: each } of family.parts) {
    for (const [series, value] of part.ownCounts(each)) {
      counts ??= { requests: 0, failed: 0 };
      counts.requests += value;
      if (isFailure(each.index.textOf[series])) counts.failed += value;
    }
  }
  return counts;
}

/** By label text: the text of a series does not change, and each has to be parsed once. */
const failures = new Map<string, boolean>();
const MAX_REMEMBERED = 20_000;

function isFailure(text: string): boolean {
  let failure = failures.get(text);
  if (failure !== undefined) return failure;
  const labels = parseLabelText(text);
  failure = STATUS_LABELS.some((label) => FAILED.test(labels[label] ?? ''));
  if (failures.size > MAX_REMEMBERED) failures.clear();
  failures.set(text, failure);
  return failure;
}
