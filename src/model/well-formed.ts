/** Lone surrogates replaced by U+FFFD, as UTF-8 encoding does it. */
export function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? text.replaceAll(LONE_SURROGATES, '\uFFFD') : text;
}

// with the flag u, a class of surrogates does not match half of a pair
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;
