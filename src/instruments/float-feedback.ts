import type { Child } from './child.js';

/** V8 starts to collect feedback at about the twentieth call of a function. */
export const CALLS = 100;

/** Slots of a counter or a gauge. */
const SLOTS = 2;

const taught = new Set<unknown>();

/**
 * Makes the first child of a class add fractions, in memory that is used for nothing else. V8 14 (Node 25 and later)
 * compiles an addition that has only seen integers for integers, and then converts each float64 that it loads: `inc()` took
 * 6.2 ns, and takes 3.0 ns after it has added fractions (measured).
 */
export function withFloatFeedback<C extends Child>(child: C, write: (child: C) => void): C {
  if (taught.has(child.constructor)) return child;
  taught.add(child.constructor);
  const { view, index } = child;
  child.view = new Float64Array(SLOTS).fill(0.5);
  child.index = 0;
  for (let call = 0; call < CALLS; call++) write(child);
  child.view = view;
  child.index = index;
  return child;
}
