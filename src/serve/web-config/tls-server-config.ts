import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { dirname, resolve } from 'node:path';
import { createSecureContext, type SecureVersion } from 'node:tls';
import { comparable } from './client-san.js';
import { CIPHER_SUITES, CLIENT_AUTH, CURVES, TLS_VERSIONS, type ClientAuth } from './tls-names.js';
import type { YamlEntry, YamlSection } from './yaml-section.js';

/** `tls_server_config` with the names of Node's options: its files are read, and the key is that of the certificate. */
export interface TlsSettings {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** The CA of clients' certificates; undefined for Node's list of well-known CAs. */
  readonly clientCa?: string;
  readonly clientAuth: ClientAuth;
  /** A client's certificate has to contain one of these names; undefined for no such rule. */
  readonly clientAllowedSans?: ReadonlySet<string>;
  readonly minVersion: SecureVersion;
  readonly maxVersion: SecureVersion;
  /** OpenSSL's list; undefined for Node's own choice. */
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
  readonly honorCipherOrder: boolean;
}

/** Reads a file that the configuration names. */
export type ReadText = (path: string) => Promise<string>;

/** @returns undefined where the section is empty: no TLS */
export async function parseTlsServerConfig(section: YamlSection, read: ReadText): Promise<TlsSettings | undefined> {
  section.only(
    ...['cert', 'key', 'client_ca'].flatMap((name) => [name, `${name}_file`]),
    ...['client_auth_type', 'client_allowed_sans', 'min_version', 'max_version'],
    ...['cipher_suites', 'curve_preferences', 'prefer_server_cipher_suites'],
  );
  if (section.entries.size === 0) return undefined;

  const cert = (await pem(section, 'cert', read)) ?? needed(section, 'cert');
  const key = (await pem(section, 'key', read)) ?? needed(section, 'key');
  checkPair(cert, key);
  const versions = parseVersions(section);
  const settings: TlsSettings = {
    cert: cert.text,
    key: key.text,
    ...versions,
    ...(await parseClientAuth(section, read)),
    ciphers: namesOf(section.get('cipher_suites'), CIPHER_SUITES, 'cipher suite'),
    ecdhCurve: namesOf(section.get('curve_preferences'), CURVES, 'curve'),
    honorCipherOrder: section.get('prefer_server_cipher_suites')?.boolean() ?? true,
  };
  try {
    createSecureContext({ ...settings, ca: settings.clientCa });
  } catch (error) {
    cert.entry.refuse(`TLS cannot be set up with this section: ${(error as Error).message}`, error);
  }
  return settings;
}

/** A PEM text and the configuration entry that it comes from. */
interface Pem {
  readonly text: string;
  readonly entry: YamlEntry;
}

/** The text under `name`, or of the file under `name_file`. Its path is relative to the directory of the configuration file. */
async function pem(section: YamlSection, name: string, read: ReadText): Promise<Pem | undefined> {
  const inline = section.get(name);
  const file = section.get(`${name}_file`);
  if (inline !== undefined && file !== undefined) file.refuse(`give either ${name} or ${name}_file`);
  if (inline?.text() === '') inline.refuse('is empty: give the text of a PEM file, or leave the key out');
  if (inline !== undefined) return { text: inline.text(), entry: inline };
  if (file === undefined) return undefined;
  if (file.text() === '') file.refuse('is empty: give the path of a PEM file, or leave the key out');
  const path = resolve(dirname(section.place.file), file.text());
  try {
    return { text: await read(path), entry: file };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return file.refuse(`${JSON.stringify(path)} cannot be read (${code})`, error);
  }
}

function needed(section: YamlSection, name: string): never {
  const [first] = section.entries.values();
  return first.refuse(`TLS needs ${name} or ${name}_file in tls_server_config`);
}

/** Checks each of them alone and then both together, so that the error names the file that is wrong. */
function checkPair(cert: Pem, key: Pem): void {
  const certificate = parseCertificate(cert);
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(key.text);
  } catch (error) {
    return key.entry.refuse('is not an unencrypted private key in PEM', error);
  }
  if (!certificate.checkPrivateKey(privateKey)) key.entry.refuse('is not the key of the certificate');
}

function parseCertificate({ text, entry }: Pem): X509Certificate {
  try {
    return new X509Certificate(text);
  } catch (error) {
    return entry.refuse('is not a certificate in PEM', error);
  }
}

function parseVersions(section: YamlSection): Pick<TlsSettings, 'minVersion' | 'maxVersion'> {
  const [min, max] = [section.get('min_version'), section.get('max_version')];
  const minVersion = min === undefined ? 'TLSv1.2' : nameOf(min, TLS_VERSIONS, 'TLS version');
  const maxVersion = max === undefined ? 'TLSv1.3' : nameOf(max, TLS_VERSIONS, 'TLS version');
  // The names sort as texts in the order of the versions: 'TLSv1' < 'TLSv1.1' < …
  if (minVersion > maxVersion) (min ?? max)!.refuse('min_version is above max_version');
  return { minVersion, maxVersion };
}

async function parseClientAuth(
  section: YamlSection,
  read: ReadText,
): Promise<Pick<TlsSettings, 'clientAuth' | 'clientCa' | 'clientAllowedSans'>> {
  const type = section.get('client_auth_type');
  const noAuth = CLIENT_AUTH.get('NoClientCert')!;
  const clientAuth = type === undefined ? noAuth : nameOf(type, CLIENT_AUTH, 'client authentication');
  const ca = await pem(section, 'client_ca', read);
  if (ca !== undefined) {
    parseCertificate(ca);
    if (!clientAuth.asked) {
      ca.entry.refuse(
        'has no effect without client_auth_type, for which RequireAndVerifyClientCert is the secure choice',
      );
    }
  }
  const sans = section.get('client_allowed_sans');
  if (sans !== undefined && !clientAuth.required) {
    sans.refuse(
      'needs client_auth_type RequireAndVerifyClientCert (or RequireAnyClientCert): others let clients show none',
    );
  }
  return {
    clientAuth,
    clientCa: ca?.text,
    clientAllowedSans: sans && new Set(sans.list().map((name) => comparable(name.text()))),
  };
}

/** A list of names in OpenSSL's notation, in the same order; undefined where the list is absent or empty. */
function namesOf(entry: YamlEntry | undefined, names: ReadonlyMap<string, string>, kind: string): string | undefined {
  const chosen = entry?.list().map((name) => nameOf(name, names, kind)) ?? [];
  return chosen.length === 0 ? undefined : chosen.join(':');
}

function nameOf<T>(entry: YamlEntry, names: ReadonlyMap<string, T>, kind: string): T {
  const written = entry.text();
  const found = names.get(written);
  if (found !== undefined) return found;
  return entry.refuse(`${JSON.stringify(written)} is no known ${kind}; use one of ${[...names.keys()].join(', ')}`);
}
