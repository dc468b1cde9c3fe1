/** The history of the charts: what the server has kept, and what the page has received since. */

export const HISTORY_SECONDS = 900;
/** Quantiles cover the observations of so many updates, because a single update may have only a few. */
const QUANTILE_UPDATES = 5;
const QUANTILES = [0.5, 0.9, 0.99];

/** The samples of a chart as the server has kept them, in the form of charts: names and bounds are sent where they change. */
export function recordedSamples(samples) {
  let names = [];
  let bounds;
  return samples.map(({ time, values, counts, ...changed }) => {
    names = changed.names ?? names;
    bounds = changed.bounds ?? bounds;
    const lines = values.map((value, at) => ({ name: names[at], value }));
    return { time, lines, ...(counts !== undefined && { buckets: { bounds, counts } }) };
  });
}

/** The values of each line over time. */
export class LineHistory {
  times = [];
  #lines = new Map();

  get names() {
    return [...this.#lines.keys()];
  }

  valuesOf(name) {
    return this.#lines.get(name);
  }

  peakOf(name) {
    return this.#lines.get(name).reduce((most, value) => (value === null ? most : Math.max(most, value)), -Infinity);
  }

  /** The largest value of all lines. */
  get peak() {
    return Math.max(0, ...this.names.map((name) => this.peakOf(name)));
  }

  /** @param {Map<string, number | null>} values a line that is absent gets a gap */
  add(time, values) {
    this.times.push(time);
    for (const name of values.keys()) {
      if (!this.#lines.has(name)) this.#lines.set(name, Array(this.times.length - 1).fill(null));
    }
    for (const [name, line] of this.#lines) line.push(values.get(name) ?? null);
    while (this.times[0] < time - HISTORY_SECONDS) {
      this.times.shift();
      for (const line of this.#lines.values()) line.shift();
    }
    for (const [name, line] of this.#lines) if (line.every((value) => value === null)) this.#lines.delete(name);
  }
}

/** A rate over less time than this jumps: it is of a few counts. */
const LEAST_RATE_SECONDS = 1.9;

/** Computes rates from the totals of counters. */
export class Rates {
  /** Totals by name, of the last few calls, the oldest first. */
  #readings = [];

  /** The rate per second since an earlier call; null for a counter that is new, or that fell because it was reset. */
  of(time, lines) {
    const isOldEnough = (reading) => time - reading.time >= LEAST_RATE_SECONDS;
    // one reading is kept that is old enough
    while (this.#readings.length > 1 && isOldEnough(this.#readings[1])) this.#readings.shift();
    const before = this.#readings[0];
    const rates = new Map();
    for (const { name, value } of lines) {
      const more = value - before?.totals.get(name);
      rates.set(name, time > before?.time && more >= 0 ? more / (time - before.time) : null);
    }
    this.#readings.push({ time, totals: new Map(lines.map(({ name, value }) => [name, value])) });
    return rates;
  }
}

/** The observations between two updates, by bucket. */
export class BucketHistory {
  times = [];
  /** For each time, the observations in each bucket. */
  increments = [];
  bounds = [];
  #before;

  add(time, { bounds, counts }) {
    if (bounds.join() !== this.bounds.join()) this.#changeBounds(bounds);
    if (this.#before !== undefined) {
      this.times.push(time);
      // a count falls where the counts of a process that ended were dropped, or where the metric was reset
      this.increments.push(counts.map((value, bucket) => Math.max(0, value - this.#before[bucket])));
    }
    this.#before = counts;
    while (this.times[0] < time - HISTORY_SECONDS) {
      this.times.shift();
      this.increments.shift();
    }
  }

  /**
   * A native histogram gets further buckets below and above as values arrive: its history continues, if the buckets that are
   * divided were empty. With any other change the history starts again.
   */
  #changeBounds(bounds) {
    const from = bounds.indexOf(this.bounds[0]);
    const to = from + this.bounds.length;
    const isSame = from >= 0 && bounds.slice(from, to).join() === this.bounds.join();
    const isDivided = (counts) => (from > 0 && counts[0] > 0) || (to < bounds.length && counts.at(-1) > 0);
    const continues = isSame && this.#before !== undefined && ![this.#before, ...this.increments].some(isDivided);
    const empty = bounds.map(() => 0);
    const widened = (counts) => [...empty.slice(0, from), ...counts, ...empty.slice(to)];
    this.bounds = bounds;
    this.times = continues ? this.times : [];
    this.increments = continues ? this.increments.map(widened) : [];
    this.#before = continues ? widened(this.#before) : undefined;
  }

  get isEmpty() {
    return this.increments.every((row) => row.every((value) => value === 0));
  }

  /** Quantiles of the last observations; null where there are none. */
  quantiles() {
    const recent = this.increments.slice(-QUANTILE_UPDATES);
    const counts = [...this.bounds, Infinity].map((_, bucket) => recent.reduce((sum, row) => sum + row[bucket], 0));
    return new Map(QUANTILES.map((share) => [`p${share * 100}`, quantile(share, this.bounds, counts)]));
  }
}

/** As Prometheus' histogram_quantile: values are spread evenly over their bucket; those of the last bucket lie at its lower bound. */
function quantile(share, bounds, counts) {
  const total = counts.reduce((sum, value) => sum + value, 0);
  if (total === 0) return null;
  let rank = share * total;
  const bucket = counts.findIndex((value) => {
    if (value > 0 && rank <= value) return true;
    rank -= value;
    return false;
  });
  if (bucket === -1 || bucket === bounds.length) return bounds.at(-1) ?? null;
  const upper = bounds[bucket];
  if (bucket === 0 && upper <= 0) return upper;
  const lower = bucket === 0 ? 0 : bounds[bucket - 1];
  return lower + (upper - lower) * (rank / counts[bucket]);
}
