/**
 * The format's names, which are those of Go's crypto/tls, and what Node calls the same. Suites that Go lists as insecure
 * are refused by the toolkit and here.
 */
import type { SecureVersion } from 'node:tls';

/** In order, so that a minimum can be held against a maximum. */
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

/** What a server asks of its clients' certificates; one row a policy, no code elsewhere names one. */
export interface ClientAuth {
  /** Whether the client is asked for a certificate. */
  readonly asked: boolean;
  /** Whether a connection without one is refused. */
  readonly required: boolean;
  /** Whether one that is shown must be signed by the client CA. */
  readonly verified: boolean;
}

export const CLIENT_AUTH: ReadonlyMap<string, ClientAuth> = new Map([
  ['NoClientCert', { asked: false, required: false, verified: false }],
  ['RequestClientCert', { asked: true, required: false, verified: false }],
  ['RequireAnyClientCert', { asked: true, required: true, verified: false }],
  // The toolkit's own old name of the row above.
  ['RequireClientCert', { asked: true, required: true, verified: false }],
  ['VerifyClientCertIfGiven', { asked: true, required: false, verified: true }],
  ['RequireAndVerifyClientCert', { asked: true, required: true, verified: true }],
]);
