import { setTimeout } from 'node:timers';

/**
 * The trace that a sample belongs to, for exemplars. The API of OpenTelemetry keeps its context manager at a well-known symbol
 * of `globalThis`, and the active span under a well-known key, so that several copies of it work together. They are read
 * here without loading it.
 *
 * The active context is `AsyncLocalStorage.getStore()`, which took up to 36 ns on Node 20 and 22 once the application had entered
 * a context. A series gets one exemplar a second at most, so that a busy series need not look at each sample.
 */

/** The part of a context of OpenTelemetry that is used here. */
export interface TraceContext {
  getValue(key: symbol): unknown;
}

/** The fields that decide when a series looks for the active span. They are of the child itself, since an object beside it costs 1 ns more. */
export interface TracedSeries {
  /** The beat of the last samples. */
  traceBeat: number;
  /** Samples since that beat began. */
  traceSamples: number;
  /** The second of the last trace exemplar: a series gets one per second at most. */
  tracedAt: number;
}

interface Span {
  spanContext?(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
}

interface Api {
  readonly context?: { active(): TraceContext };
}

type TraceLabels = { trace_id: string; span_id: string };

const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
const SAMPLED = 1;

/** So many samples of a series in one beat look for the active span. */
const SAMPLES_BEFORE_SKIPPING = 16;
/** Further ones of the beat do it once in so many. A power of two. */
const SAMPLES_PER_LOOK = 32;
const BEAT_MS = 100;

/** A timer advances it, which only runs while a series skips: a process that counts little has none. */
let beat = 0;
let isBeating = false;

/** The API registers everything in one object, which stays the same. */
let api: Api | undefined;
/** A context does not change: one without a span never gets one. */
let spanless: TraceContext | undefined;

/**
 * Whether this sample of a series looks for a span. A series that has few samples always does. One that has more than 160 in a
 * second looks less often: it still finds a span within 32 of its samples.
 */
export function looksForTrace(series: TracedSeries): boolean {
  if (series.traceBeat !== beat) {
    series.traceBeat = beat;
    series.traceSamples = 0;
  }
  const sample = series.traceSamples++;
  return sample < SAMPLES_BEFORE_SKIPPING || sample % SAMPLES_PER_LOOK === 0;
}

/** The ids of the active span, or of that in `context`, if it is sampled; at most once per second for a series. */
export function traceExemplar(
  series: TracedSeries,
  context: TraceContext | undefined = activeContext(),
): TraceLabels | undefined {
  if (!isBeating && series.traceSamples >= SAMPLES_BEFORE_SKIPPING) startBeat();
  return context === spanless ? undefined : inContext(series, context!);
}

function activeContext(): TraceContext | undefined {
  api ??= (globalThis as { [API]?: Api })[API];
  return api?.context?.active();
}

function startBeat(): void {
  isBeating = true;
  setTimeout(() => {
    isBeating = false;
    beat++;
  }, BEAT_MS).unref();
}

function inContext(series: TracedSeries, context: TraceContext): TraceLabels | undefined {
  const span = context.getValue(SPAN) as Span | undefined;
  if (span === undefined) {
    spanless = context;
    return undefined;
  }
  const { traceId, spanId, traceFlags } = span.spanContext?.() ?? { traceFlags: 0 };
  if ((traceFlags & SAMPLED) === 0 || traceId === undefined || spanId === undefined) return undefined;
  const second = Math.floor(Date.now() / 1000);
  if (series.tracedAt === second) return undefined;
  series.tracedAt = second;
  return { trace_id: traceId, span_id: spanId };
}
