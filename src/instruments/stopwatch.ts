/**
 * Starts measuring a duration. As prom-client it uses `process.hrtime`, which fake timers know how to replace.
 *
 * @param report told the seconds since the start, and whatever else the timer's end was told
 * @returns ends the measurement, and answers with the seconds; it may be called again, for what is then a longer one
 */
export function stopwatch<End extends unknown[]>(
  report: (seconds: number, ...end: End) => void,
): (...end: End) => number {
  const start = process.hrtime();
  return (...end) => {
    const [seconds, nanoseconds] = process.hrtime(start);
    const duration = seconds + nanoseconds / 1e9;
    report(duration, ...end);
    return duration;
  };
}
