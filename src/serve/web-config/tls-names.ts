/**
 * The names of the format, which are those of Go's crypto/tls, with Node's names for the same. The toolkit refuses the suites
 * that Go lists as insecure, and so does this package.
 */
import type { SecureVersion } from 'node:tls';

export const TLS_VERSIONS: ReadonlyMap<string, SecureVersion> = new Map([
  ['TLS10', 'TLSv1'],
  ['TLS11', 'TLSv1.1'],
  ['TLS12', 'TLSv1.2'],
  ['TLS13', 'TLSv1.3'],
]);

export const CURVES: ReadonlyMap<string, string> = new Map([
  ['CurveP256', 'P-256'],
  ['CurveP384', 'P-384'],
  ['CurveP521', 'P-521'],
  ['X25519', 'X25519'],
]);

export const CIPHER_SUITES: ReadonlyMap<string, string> = new Map([
  ['TLS_AES_128_GCM_SHA256', 'TLS_AES_128_GCM_SHA256'],
  ['TLS_AES_256_GCM_SHA384', 'TLS_AES_256_GCM_SHA384'],
  ['TLS_CHACHA20_POLY1305_SHA256', 'TLS_CHACHA20_POLY1305_SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA', 'ECDHE-ECDSA-AES128-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA', 'ECDHE-ECDSA-AES256-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA', 'ECDHE-RSA-AES128-SHA'],
  ['TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA', 'ECDHE-RSA-AES256-SHA'],
  ['TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256', 'ECDHE-ECDSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384', 'ECDHE-ECDSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ['TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ['TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-RSA-CHACHA20-POLY1305'],
  ['TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256', 'ECDHE-ECDSA-CHACHA20-POLY1305'],
]);

/** The demands of a server on its clients' certificates. Each policy is one row of CLIENT_AUTH. */
export interface ClientAuth {
  /** Whether the server asks the client for a certificate. */
  readonly asked: boolean;
  /** Whether it refuses a connection without a certificate. */
  readonly required: boolean;
  /** Whether it refuses a certificate that the client CA has not signed. */
  readonly verified: boolean;
}

export const CLIENT_AUTH: ReadonlyMap<string, ClientAuth> = new Map([
  ['NoClientCert', { asked: false, required: false, verified: false }],
  ['RequestClientCert', { asked: true, required: false, verified: false }],
  ['RequireAnyClientCert', { asked: true, required: true, verified: false }],
  // the toolkit's old name of the row above
  ['RequireClientCert', { asked: true, required: true, verified: false }],
  ['VerifyClientCertIfGiven', { asked: true, required: false, verified: true }],
  ['RequireAndVerifyClientCert', { asked: true, required: true, verified: true }],
]);
