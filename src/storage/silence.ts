/** Half of what others wait before they take a silent process for dead (`STALE_SECONDS` in liveness.ts). */
const SILENT_MS = 30_000;
/** A folder that has begun before the process woke up is done by then. */
const DOUBT_MS = 60_000;

/**
 * Whether this process did not run for so long that others may have taken it for dead: stopped, paused with its machine, or
 * blocked. By two clocks, for one stands still while a machine sleeps, and the other is set.
 */
export class Silence {
  #steadyMs = performance.now();
  #wallMs = Date.now();
  #brokenAt = -Infinity;

  /** Whether a silence ends here. To be called often. */
  breaks(): boolean {
    const steadyMs = performance.now();
    const wallMs = Date.now();
    const isLong = Math.max(steadyMs - this.#steadyMs, Math.abs(wallMs - this.#wallMs)) > SILENT_MS;
    this.#steadyMs = steadyMs;
    this.#wallMs = wallMs;
    if (isLong) this.#brokenAt = steadyMs;
    return isLong;
  }

  /** Whether one has ended so short a time ago that its consequences may still come. */
  get brokenLately(): boolean {
    return performance.now() - this.#brokenAt < DOUBT_MS;
  }
}
