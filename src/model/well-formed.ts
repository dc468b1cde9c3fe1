/** Replaces lone surrogates by U+FFFD, as a UTF-8 encoder does. */
export function wellFormed(text: string): string {
  return LONE_SURROGATE.test(text) ? text.replaceAll(LONE_SURROGATES, '\uFFFD') : text;
}

// with the flag u, the class does not match half of a valid surrogate pair
const LONE_SURROGATE = /\p{Surrogate}/u;
const LONE_SURROGATES = /\p{Surrogate}/gu;
