/**
 * The trace that a sample belongs to, for exemplars. The API of OpenTelemetry keeps its context manager at a well-known symbol
 * of `globalThis`, and the active span under a well-known key, so that several copies of it work together. They are read
 * here without loading it. Where nobody has registered anything, a sample costs 1 to 3 ns more. With a context
 * manager it costs what `AsyncLocalStorage.getStore()` does: 0 to 7 ns, and once the application has entered a context 6 ns on
 * Node 24 and 13 to 30 ns on Node 20, where it goes through async_hooks.
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

/** The API registers what it has in one object, which stays. */
let api: Api | undefined;
/** A look at `globalThis` takes 7 ns, so that the API is looked for at every so many samples. */
const SAMPLES_PER_LOOK = 32;
let samples = 0;
/** A context does not change: one without a span never gets one. */
let spanless: TraceContext | undefined;

/** The second of the last trace exemplar of each series: a series keeps one exemplar per second at most. */
const tracedAt = new WeakMap<Child, number>();

/**
 * Returns the labels of an exemplar for a series: the ids of the active span if it is sampled, at most once per second.
 *
 * @param context the context to look in, if it is not the active one
 */
export function traceExemplar(
  child: Child,
  context: TraceContext | undefined = (api ?? lookForApi())?.context?.active(),
): { trace_id: string; span_id: string } | undefined {
  return context === spanless ? undefined : inContext(child, context!);
}

function lookForApi(): Api | undefined {
  if (samples++ % SAMPLES_PER_LOOK === 0) api = (globalThis as { [API]?: Api })[API];
  return api;
}

function inContext(child: Child, context: TraceContext): { trace_id: string; span_id: string } | undefined {
  const span = context.getValue(SPAN) as Span | undefined;
  if (span !== undefined) return ofSpan(child, span);
  spanless = context;
  return undefined;
}

function ofSpan(child: Child, span: Span): { trace_id: string; span_id: string } | undefined {
  const { traceId, spanId, traceFlags } = span.spanContext?.() ?? { traceFlags: 0 };
  if ((traceFlags & SAMPLED) === 0 || traceId === undefined || spanId === undefined) return undefined;
  const second = Math.floor(Date.now() / 1000);
  if (tracedAt.get(child) === second) return undefined;
  tracedAt.set(child, second);
  return { trace_id: traceId, span_id: spanId };
}
