import type { Child } from './child.js';

/** V8 collects feedback from about the twentieth call of a function on. */
const CALLS = 100;

/** Of a counter or a gauge. */
const SLOTS = 2;

const taught = new Set<unknown>();

/**
 * Has the first child of its class count fractions, in memory of its own. An addition that has only ever seen whole numbers
 * is compiled for those by V8 14 (Node 25 on), which converts each float64 that it loads: `inc()` took 6.2 ns, and 3.0 ns
 * once it had added fractions (ran).
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
