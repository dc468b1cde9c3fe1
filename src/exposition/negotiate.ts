/** Which format a scraper is answered in, by its Accept header (RFC 9110, 12.5.1). */
import { FALLBACK, FORMATS } from './formats.js';

export interface NegotiatedFormat {
  /** The name of its row in `formats.ts`. */
  readonly format: string;
  readonly contentType: string;
}

/** Part of an Accept header. */
interface MediaRange {
  readonly mediaType: string;
  readonly version: string;
  /** 0 to 1. */
  readonly quality: number;
}

/**
 * The format that the header likes best; among equals the one that it names more closely, then the one it names first.
 * Where nothing fits, or there is no header, it is text 0.0.4: a scraper can do more with that than with a 406. Never
 * throws; takes time linear in the header's length.
 */
export function negotiateFormat(accept: string | readonly string[] | undefined): NegotiatedFormat {
  const header = typeof accept === 'string' ? accept : Array.isArray(accept) ? accept.join(',') : '';
  const ranges = splitOutsideQuotes(header, ',').map(parseRange);
  let best = {
    quality: 0,
    closeness: 0,
    at: 0,
    answer: { format: FALLBACK.name, contentType: FALLBACK.offers[0].contentType },
  };
  const rows = [...FORMATS.values()].flatMap(({ name, offers }) => offers.map((offer) => ({ ...offer, format: name })));
  for (const { format, contentType, mediaType, versions } of rows) {
    // the closest range decides on an offer, even with a lower quality: 'text/*, text/plain;q=0'
    let match = { quality: 0, closeness: 0, at: 0, answer: { format, contentType } };
    ranges.forEach((range, at) => {
      if (range === undefined || (range.mediaType === mediaType && !versions.has(range.version))) return;
      const closeness = closenessOf(range, mediaType);
      if (closeness > match.closeness) match = { ...match, quality: range.quality, closeness, at };
    });
    const better =
      match.quality - best.quality || match.closeness - best.closeness || (best.quality > 0 ? best.at - match.at : 0);
    if (match.quality > 0 && better > 0) best = match;
  }
  return best.answer;
}

/** How closely a range names a media type; 0 where it does not. */
function closenessOf(range: MediaRange, mediaType: string): number {
  if (range.mediaType === mediaType) return range.version === '' ? 3 : 4;
  if (range.mediaType === `${mediaType.slice(0, mediaType.indexOf('/'))}/*`) return 2;
  return range.mediaType === '*/*' ? 1 : 0;
}

function parseRange(text: string): MediaRange | undefined {
  const [type, ...parameters] = splitOutsideQuotes(text, ';');
  const mediaType = type.trim().toLowerCase();
  let version = '';
  let quality = 1;
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals < 0) continue;
    const name = parameter.slice(0, equals).trim().toLowerCase();
    const value = unquoted(parameter.slice(equals + 1).trim());
    if (name === 'version') version = value;
    if (name === 'q') quality = /^[01](\.\d*)?$/.test(value) ? Math.min(1, Number(value)) : NaN;
  }
  return mediaType === '' || Number.isNaN(quality) ? undefined : { mediaType, version, quality };
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
