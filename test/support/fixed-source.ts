import type { MetricsSource } from '../../src/serve/answer/metrics-source.js';

export const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Returns the same body object for every scrape, as scrapes that share one collection get it. */
export function fixedSource(text: string, contentType = TEXT_TYPE): MetricsSource & { readonly accepts: unknown[] } {
  const body = Buffer.from(text);
  const accepts: unknown[] = [];
  return {
    accepts,
    metrics(request) {
      accepts.push(request.accept);
      return Promise.resolve({ contentType, body });
    },
  };
}

/** A source whose scrapes wait until the test lets them finish. */
export class HeldSource implements MetricsSource {
  readonly #held: { answer(text: string): void; fail(error: Error): void }[] = [];
  #onScrape: (() => void)[] = [];
  /** Number of scrapes so far. */
  scrapes = 0;

  metrics(): Promise<{ contentType: string; body: Uint8Array }> {
    this.scrapes++;
    for (const wake of this.#onScrape.splice(0)) wake();
    return new Promise((resolve, reject) => {
      this.#held.push({
        answer: (text) => resolve({ contentType: TEXT_TYPE, body: Buffer.from(text) }),
        fail: reject,
      });
    });
  }

  /** Waits until `count` scrapes have started. */
  async scraped(count: number): Promise<void> {
    while (this.scrapes < count) await new Promise<void>((resolve) => this.#onScrape.push(resolve));
  }

  /** Finishes every waiting scrape with this text. */
  answerAll(text: string): void {
    for (const held of this.#held.splice(0)) held.answer(text);
  }

  /** Fails every waiting scrape. */
  failAll(error: Error): void {
    for (const held of this.#held.splice(0)) held.fail(error);
  }
}
