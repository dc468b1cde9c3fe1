import type { IncomingMessage, ServerResponse } from 'node:http';
import { onceOver } from './response-over.js';

/** The maximum time of a scrape. */
export interface ScrapeTimeout {
  /** Milliseconds for a scrape without a timeout header; a header can only shorten it. */
  readonly timeoutMs: number;
  /** Milliseconds that are subtracted from the scraper's timeout, so that the response arrives in time. */
  readonly offsetMs: number;
}

/** Seconds in Prometheus' notation, `10` or `0.25`, without signs, exponents and lists. */
const SECONDS = /^\d{1,9}(?:\.\d{1,9})?$/;

/**
 * Milliseconds from now until the scraper must have the response. Prometheus sends its timeout in
 * `X-Prometheus-Scrape-Timeout-Seconds`. A wrong value counts as absent, since a broken header is no reason to lose a scrape.
 * The offset takes at most half of the timeout, so that a scrape with a short timeout still has some time.
 */
export function scrapeBudgetMs(header: string | string[] | undefined, { timeoutMs, offsetMs }: ScrapeTimeout): number {
  if (typeof header !== 'string' || !SECONDS.test(header)) return timeoutMs;
  const askedMs = Number(header) * 1000;
  if (askedMs <= 0) return timeoutMs;
  return Math.max(1, Math.min(timeoutMs, Math.max(askedMs / 2, askedMs - offsetMs)));
}

/**
 * The value of `work`, or the reason for no longer waiting for it. The work itself goes on, because other scrapes may share it;
 * `onLateFailure` gets its error if it fails later.
 */
export async function withinBudget<T>(
  work: Promise<T>,
  budgetMs: number,
  [req, res]: readonly [IncomingMessage, ServerResponse],
  onLateFailure: (error: unknown) => void,
): Promise<{ value: T } | 'too late' | 'client gone'> {
  let waiting = true;
  work.catch((error: unknown) => {
    if (!waiting) onLateFailure(error);
  });
  let stopWaiting = (): void => {};
  const givenUp = new Promise<'too late' | 'client gone'>((resolve) => {
    const timer = setTimeout(resolve, budgetMs, 'too late');
    const forgetClient = onceOver(req, res, () => resolve('client gone'));
    stopWaiting = () => {
      waiting = false;
      clearTimeout(timer);
      forgetClient();
    };
  });
  return Promise.race([work.then((value) => ({ value })), givenUp]).finally(stopWaiting);
}
