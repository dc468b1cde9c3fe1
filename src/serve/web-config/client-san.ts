/** Subject alternative names of client certificates. They are compared with `client_allowed_sans` for equality. */
import { SocketAddress, isIPv6 } from 'node:net';
import type { X509Certificate } from 'node:crypto';

/** The kinds of names that are compared; directory names and registered ids are not. */
const KINDS: ReadonlySet<string> = new Set(['DNS', 'IP Address', 'email', 'URI']);

/**
 * One name in Node's list, which looks like `DNS:a.example, IP Address:127.0.0.1`. Node writes a value that contains a comma or
 * a quote as a JSON string, since one name could otherwise be read as two (CVE-2021-44532).
 */
const NAME = /([A-Za-z][A-Za-z0-9 ]*):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;

/** Every DNS name, IP address, e-mail address and URI of a certificate; an empty array where the list cannot be parsed. */
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

/** Gives every IPv6 address one spelling: Node prints `0:0:0:0:0:0:0:1` for a certificate, and people write `::1`. */
export function comparable(name: string): string {
  return isIPv6(name) ? new SocketAddress({ address: name, family: 'ipv6' }).address : name;
}
