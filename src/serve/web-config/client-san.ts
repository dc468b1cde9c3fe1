/** Subject alternative names of client certificates, to be matched exactly against `client_allowed_sans`. */
import { SocketAddress, isIPv6 } from 'node:net';
import type { X509Certificate } from 'node:crypto';

/** The kinds of names that are matched; directory names and registered ids are not. */
const KINDS: ReadonlySet<string> = new Set(['DNS', 'IP Address', 'email', 'URI']);

/**
 * One name as Node writes the list: `DNS:a.example, IP Address:127.0.0.1`. Node writes a value as a JSON string when it
 * holds a comma or quote, lest one name be read as two (CVE-2021-44532).
 */
const NAME = /([A-Za-z][A-Za-z0-9 ]*):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** Every DNS name, IP address, e-mail address and URI of a certificate; nothing when the list cannot be read. */
export function subjectAlternativeNames({ subjectAltName = '' }: X509Certificate): string[] {
  const names: string[] = [];
  for (let at = 0; at < subjectAltName.length; at = NAME.lastIndex) {
    NAME.lastIndex = at;
    const [, kind, written] = NAME.exec(subjectAltName) ?? [];
    if (kind === undefined) return [];
    if (!KINDS.has(kind)) continue;
    names.push(comparable(written.startsWith('"') ? (JSON.parse(written) as string) : written));
  }
  return names;
}

/** One spelling for every IPv6 address: certificates are printed `0:0:0:0:0:0:0:1`, people write `::1`. */
export function comparable(name: string): string {
  return isIPv6(name) ? new SocketAddress({ address: name, family: 'ipv6' }).address : name;
}
