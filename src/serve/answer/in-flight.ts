import type { IncomingMessage, ServerResponse } from 'node:http';
import { onceOver } from './response-over.js';

/**
 * Places for requests under way. A scrape of a large directory holds its text in memory until the client has read it, so
 * without a limit a thousand clients that never read hold a thousand answers.
 */
export class InFlightLimit {
  #taken = 0;

  /** @param limit places; Infinity for no limit. */
  constructor(readonly limit: number) {}

  /** Places that are taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes a place until the response is over, sent or abandoned; false when none is free. */
  enter(req: IncomingMessage, res: ServerResponse): boolean {
    if (this.#taken >= this.limit) return false;
    this.#taken++;
    onceOver(req, res, () => this.#taken--);
    return true;
  }
}
