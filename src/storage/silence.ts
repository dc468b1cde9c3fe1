/** Half of the time after which others take a silent process for dead (`STALE_SECONDS` in liveness.ts). */
const SILENT_MS = 30_000;
/** A fold that started before the process woke up has ended by then. */
const DOUBT_MS = 60_000;

/**
 * Whether this process did not run for so long that others may have taken it for dead: it was stopped, paused with its
 * machine, or blocked. Two clocks are used, because one stands still while a machine sleeps, and the other may be set.
 */
export class Silence {
  #steadyMs = performance.now();
  #wallMs = Date.now();
  #brokenAt = -Infinity;

  /** Whether a silence ends here. Call it often. */
  breaks(): boolean {
    const steadyMs = performance.now();
    const wallMs = Date.now();
    const isLong = Math.max(steadyMs - this.#steadyMs, Math.abs(wallMs - this.#wallMs)) > SILENT_MS;
    this.#steadyMs = steadyMs;
    this.#wallMs = wallMs;
    if (isLong) this.#brokenAt = steadyMs;
    return isLong;
  }

  /** Whether a silence has ended so recently that its consequences may still come. */
  get brokenLately(): boolean {
    return performance.now() - this.#brokenAt < DOUBT_MS;
  }
}
