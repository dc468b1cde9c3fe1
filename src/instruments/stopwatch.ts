/**
 * Starts to measure a duration. It uses `process.hrtime` as prom-client does: libraries for fake timers can replace that.
 *
 * @param report called with the seconds since the start, and with the arguments of the function that is returned
 * @returns a function that ends the measurement and returns the seconds; each further call measures from the same start
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
