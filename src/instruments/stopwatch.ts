/** Measures one duration, in seconds. As prom-client it uses `process.hrtime`, which fake timers know how to replace. */
export class Stopwatch {
  readonly #start = process.hrtime();

  seconds(): number {
    const [seconds, nanoseconds] = process.hrtime(this.#start);
    return seconds + nanoseconds / 1e9;
  }
}
