/**
 * Accept-Encoding, by RFC 9110 section 12.5.3: codings with weights, `*` for the rest, and `identity` acceptable unless it
 * is refused.
 */

/** The codings that responses can have. */
export type ContentCoding = 'zstd' | 'gzip' | 'identity';

/** A weight by RFC 9110 section 12.4.2: 0 to 1, at most three digits. */
const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/** The weight of `identity` where the header does not mention it: acceptable, but the codings that the client names come first. */
const UNMENTIONED_IDENTITY = 0.0001;

/** The client's weight for each coding; 0 refuses it. */
export class AcceptedCodings {
  readonly #weights = new Map<string, number>();

  /** Parts of the header that break its grammar count as absent. */
  constructor(header: string | undefined) {
    for (const element of header?.split(',') ?? []) {
      const [coding, ...parameters] = element.split(';').map((part) => part.trim().toLowerCase());
      if (coding === '') continue;
      const weight =
        parameters.length === 0 ? '1' : parameters.length === 1 ? WEIGHT.exec(parameters[0])?.[1] : undefined;
      // x-gzip is gzip's old name (RFC 9110 section 8.4.1.3).
      if (weight !== undefined) this.#weights.set(coding === 'x-gzip' ? 'gzip' : coding, Number(weight));
    }
  }

  weightOf(coding: ContentCoding): number {
    const named = this.#weights.get(coding);
    if (named !== undefined) return named;
    const rest = this.#weights.get('*');
    if (coding !== 'identity') return rest ?? 0;
    return rest === 0 ? 0 : UNMENTIONED_IDENTITY;
  }

  /**
   * The coding with the greatest weight, the first one of equals. Where the client refuses all, it is `identity`: a text that
   * the scraper did not ask for is more useful to it than a 406.
   */
  best(offered: readonly ContentCoding[]): ContentCoding {
    let best: ContentCoding = 'identity';
    let greatest = 0;
    for (const coding of offered) {
      const weight = this.weightOf(coding);
      if (weight > greatest) [best, greatest] = [coding, weight];
    }
    return best;
  }
}
