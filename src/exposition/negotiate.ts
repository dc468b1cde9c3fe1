/** Chooses the format of a response by the Accept header of the request (RFC 9110, 12.5.1). */
import type { Format, Offer } from './format.js';
import { FALLBACK, formatOf, FORMATS } from './formats.js';
import { DEFAULT_ESCAPING, type Escaping, ESCAPINGS } from './name-escaping.js';

export interface NegotiatedFormat {
  /** The name of its row in `formats.ts`. */
  readonly format: string;
  readonly contentType: string;
  readonly escaping: Escaping;
}

export interface NegotiationOptions {
  /** Serves OpenMetrics 2.0, whose specification is not final, to scrapers that request this version. Default false. */
  readonly openMetrics2?: boolean;
}

/** One element of an Accept header. */
interface MediaRange {
  readonly mediaType: string;
  /** All parameters but `q`; names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
  /** 0 to 1. */
  readonly quality: number;
}

/** An offer and its rank in a header. */
interface Match {
  readonly format: Format;
  readonly offer: Offer;
  readonly quality: number;
  readonly closeness: number;
  readonly at: number;
  readonly range: MediaRange | undefined;
}

/**
 * Returns the format with the highest quality in the header; among equals the one that the header names most specifically,
 * then the one that it names first. Without a header, or if no format fits, it is text 0.0.4: a scraper can do more with
 * that than with a 406. It never throws, and its time is linear in the length of the header.
 */
export function negotiateFormat(
  accept: string | readonly string[] | undefined,
  { openMetrics2 = false }: NegotiationOptions = {},
): NegotiatedFormat {
  const header = typeof accept === 'string' ? accept : Array.isArray(accept) ? accept.join(',') : '';
  const ranges = splitOutsideQuotes(header, ',')
    .map(parseRange)
    .filter((range) => range !== undefined);
  let best = noMatch(FALLBACK, FALLBACK.offers[0]);
  for (const format of FORMATS.values()) {
    if (format.isDraft === true && !openMetrics2) continue;
    for (const offer of format.offers) {
      const match = matchOf(format, offer, ranges);
      const better =
        match.quality - best.quality || match.closeness - best.closeness || (best.quality > 0 ? best.at - match.at : 0);
      if (match.quality > 0 && better > 0) best = match;
    }
  }
  const { format, offer, range } = best;
  if (!offer.escapes) return { format: format.name, contentType: offer.contentType, escaping: DEFAULT_ESCAPING };
  const asked = escapingOf(range);
  const suffix = asked === undefined ? '' : `; escaping=${asked}`;
  // Prometheus 3 sends no escaping with protobuf, only with the other formats that it accepts
  const escaping = asked ?? ranges.map(escapingOf).find((each) => each !== undefined) ?? DEFAULT_ESCAPING;
  return { format: format.name, contentType: offer.contentType + suffix, escaping };
}

/** Returns the result for a caller that names the format. @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where no format has the name */
export function namedFormat(name: string): NegotiatedFormat {
  return { format: name, contentType: formatOf(name).offers[0].contentType, escaping: DEFAULT_ESCAPING };
}

/** The most specific range decides on an offer, even with a lower quality: 'text/*, text/plain;q=0'. */
function matchOf(format: Format, offer: Offer, ranges: readonly MediaRange[]): Match {
  let match = noMatch(format, offer);
  ranges.forEach((range, at) => {
    const closeness = closenessOf(range, offer);
    if (closeness > match.closeness) match = { format, offer, quality: range.quality, closeness, at, range };
  });
  return match;
}

function noMatch(format: Format, offer: Offer): Match {
  return { format, offer, quality: 0, closeness: 0, at: 0, range: undefined };
}

/** How specifically a range names an offer; 0 where it does not. */
function closenessOf({ mediaType, parameters }: MediaRange, offer: Offer): number {
  if (mediaType === offer.mediaType) {
    const { version = '' } = parameters;
    const wanted = Object.entries(offer.parameters ?? {});
    if (!offer.versions.has(version) || wanted.some(([name, value]) => parameters[name] !== value)) return 0;
    return version === '' ? 3 : 4;
  }
  // a wildcard does not ask for an offer that requires parameters
  if (offer.parameters !== undefined) return 0;
  if (mediaType === `${offer.mediaType.slice(0, offer.mediaType.indexOf('/'))}/*`) return 2;
  return mediaType === '*/*' ? 1 : 0;
}

function escapingOf(range: MediaRange | undefined): Escaping | undefined {
  return ESCAPINGS.find((escaping) => escaping === range?.parameters.escaping);
}

const NO_PARAMETERS: Record<string, string> = Object.freeze(Object.create(null));

function parseRange(text: string): MediaRange | undefined {
  const [type, ...parts] = splitOutsideQuotes(text, ';');
  const mediaType = type.trim().toLowerCase();
  if (mediaType === '') return undefined;
  const parameters: Record<string, string> = parts.length === 0 ? NO_PARAMETERS : Object.create(null);
  let quality = 1;
  for (const part of parts) {
    const equals = part.indexOf('=');
    if (equals < 0) continue;
    const name = part.slice(0, equals).trim().toLowerCase();
    const value = unquoted(part.slice(equals + 1).trim());
    if (name !== 'q') parameters[name] = value;
    else quality = /^[01](\.\d*)?$/.test(value) ? Math.min(1, Number(value)) : NaN;
  }
  return Number.isNaN(quality) ? undefined : { mediaType, parameters, quality };
}

function unquoted(value: string): string {
  return value.length >= 2 && value.startsWith('"') && value.endsWith('"')
    ? value.slice(1, -1).replaceAll(/\\(.)/g, '$1')
    : value;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (character === separator && !quoted) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(text.slice(start));
  return parts;
}
