/**
 * The trace that a sample belongs to, for exemplars. The API of OpenTelemetry keeps its context manager at a well-known symbol
 * of `globalThis`, and the active span under a well-known key, so that several copies of it work together. They are read
 * here without loading it: who does not use OpenTelemetry pays one property access per sample.
 */
import type { Child } from './child.js';

/** The part of a context of OpenTelemetry that is used here. */
export interface TraceContext {
  getValue(key: symbol): unknown;
}

interface Span {
  spanContext?(): { readonly traceId: string; readonly spanId: string; readonly traceFlags: number };
}

interface Api {
  readonly context?: { active(): TraceContext };
}

const API = Symbol.for('opentelemetry.js.api.1');
const SPAN = Symbol.for('OpenTelemetry Context Key SPAN');
const SAMPLED = 1;

/** The second of the last trace exemplar of each series: a series keeps one exemplar per second at most. */
const tracedAt = new WeakMap<Child, number>();

/**
 * Returns the labels of an exemplar for a series: the ids of the active span if it is sampled, at most once per second.
 *
 * @param context the context to look in, if it is not the active one
 */
export function traceExemplar(
  child: Child,
  context: TraceContext | undefined = (globalThis as { [API]?: Api })[API]?.context?.active(),
): { trace_id: string; span_id: string } | undefined {
  const span = context?.getValue(SPAN) as Span | undefined;
  return span === undefined ? undefined : ofSpan(child, span);
}

function ofSpan(child: Child, span: Span): { trace_id: string; span_id: string } | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext?.() ?? { traceFlags: 0 };
  if ((traceFlags & SAMPLED) === 0 || traceId === undefined || spanId === undefined) return undefined;
  const second = Math.floor(Date.now() / 1000);
  if (tracedAt.get(child) === second) return undefined;
  tracedAt.set(child, second);
  return { trace_id: traceId, span_id: spanId };
}
