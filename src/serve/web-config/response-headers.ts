import type { YamlSection } from './yaml-section.js';

/** The five headers that the format allows, with the list of their allowed values, or 'any'. */
const ALLOWED = new Map<string, readonly string[] | 'any'>([
  ['Content-Security-Policy', 'any'],
  ['X-Frame-Options', ['deny', 'sameorigin']],
  ['X-Content-Type-Options', ['nosniff']],
  ['X-XSS-Protection', 'any'],
  ['Strict-Transport-Security', 'any'],
]);

/** RFC 9110 section 5.5 without obsolete text. It matches no line break, so a value cannot add another header. */
const FIELD_VALUE = /^[\x20-\x7e\t]*$/;

export type ResponseHeaders = ReadonlyMap<string, string>;

/** `http_server_config.headers`; a blank value leaves the header out. */
export function parseResponseHeaders(section: YamlSection): ResponseHeaders {
  section.only(...ALLOWED.keys());
  const headers = new Map<string, string>();
  for (const name of section.entries.keys()) {
    const entry = section.get(name);
    const value = entry?.text().trim() ?? '';
    if (entry === undefined || value === '') continue;
    if (!FIELD_VALUE.test(value)) entry.refuse('a header may hold one line of visible ASCII characters only');
    const allowed = ALLOWED.get(name)!;
    if (allowed !== 'any' && !allowed.includes(value)) {
      entry.refuse(`${JSON.stringify(value)} is not allowed; use ${allowed.join(' or ')}`);
    }
    headers.set(name, value);
  }
  return headers;
}
