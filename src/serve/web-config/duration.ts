/** Durations in the notation of Go's `time.ParseDuration`, as in the toolkit: `1s`, `250ms`, `1h30m`, `1.5s`, `0`. */

const MILLISECONDS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d{1,12}(?:\.\d{1,9})?)(ns|us|µs|μs|ms|s|m|h)/y;

/** Milliseconds; undefined where the text is not a duration or is negative. */
export function parseDurationMs(text: string): number | undefined {
  if (text === '0') return 0;
  if (text === '') return undefined;
  let sumMs = 0;
  for (let at = 0; at < text.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const part = PART.exec(text);
    if (part === null) return undefined;
    sumMs += Number(part[1]) * MILLISECONDS[part[2]];
  }
  return sumMs;
}
