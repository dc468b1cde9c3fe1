import type { YamlSection } from './yaml-section.js';
import { parseDurationMs } from './duration.js';

/** `rate_limit`: one request every `intervalMs`, and up to `burst` at once after a pause. */
export interface RateLimit {
  readonly intervalMs: number;
  readonly burst: number;
}

/** @returns undefined where `interval` is 0 or absent, which means no limit in the toolkit */
export function parseRateLimit(section: YamlSection): RateLimit | undefined {
  section.only('interval', 'burst');
  const interval = section.get('interval');
  const burst = section.get('burst');
  const intervalMs = interval === undefined ? 0 : parseDurationMs(interval.text());
  if (intervalMs === undefined) {
    return interval!.refuse(`${JSON.stringify(interval!.text())} is not a duration; write 1s, 250ms or 1m30s`);
  }
  const size = burst?.wholeNumber(0) ?? 0;
  if (intervalMs === 0) return undefined;
  // The toolkit accepts 0 and then responds to every request with 429.
  if (size === 0) {
    (burst ?? interval!).refuse('with an interval, burst must be 1 or more, or no request would be answered');
  }
  return { intervalMs, burst: size };
}

/** A bucket of `burst` tokens, one added every `intervalMs`; each request takes one. */
export class TokenBucket {
  #tokens: number;
  #countedMs: number;

  /** @param nowMs a monotonic clock */
  constructor(
    readonly limit: RateLimit,
    private readonly nowMs: () => number = () => performance.now(),
  ) {
    this.#tokens = limit.burst;
    this.#countedMs = nowMs();
  }

  /** 0 where the request may pass, otherwise the milliseconds until the next one may. */
  take(): number {
    const { intervalMs, burst } = this.limit;
    const now = this.nowMs();
    this.#tokens = Math.min(burst, this.#tokens + (now - this.#countedMs) / intervalMs);
    this.#countedMs = now;
    if (this.#tokens < 1) return (1 - this.#tokens) * intervalMs;
    this.#tokens -= 1;
    return 0;
  }
}
