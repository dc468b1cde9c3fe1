import { parseUsers, type Users } from './basic-auth.js';
import { parseRateLimit, type RateLimit } from './rate-limit.js';
import { parseResponseHeaders, type ResponseHeaders } from './response-headers.js';
import { parseTlsServerConfig, type ReadText, type TlsSettings } from './tls-server-config.js';
import { WebConfigError } from './web-config-error.js';
import { parseYaml } from './yaml-section.js';

/**
 * The web configuration file of Prometheus' exporter-toolkit (docs/web-configuration.md in
 * https://github.com/prometheus/exporter-toolkit). The keys have the same meaning, with these differences:
 *
 * - `http_server_config.http2` is read and has no effect: the server speaks HTTP/1.1, and HTTP/2 clients adapt to it by ALPN.
 * - A duplicate key, an inline certificate beside a file, a `burst` of 0, and a `tls_server_config` without a certificate
 *   are errors. The toolkit takes one of the two, refuses every request, or serves without TLS.
 * - A change of `rate_limit` takes effect without a restart. A change of the file cannot turn off TLS, authentication or
 *   required client certificates; that takes a restart.
 */
export interface WebConfig {
  /** Undefined: plain HTTP. */
  readonly tls?: TlsSettings;
  /** Added to every response. */
  readonly headers: ResponseHeaders;
  readonly users: Users;
  /** Undefined: no limit. */
  readonly rateLimit?: RateLimit;
}

/** Reads the file and the files that it names. @throws WebConfigError */
export async function readWebConfig(file: string, read: ReadText): Promise<WebConfig> {
  let text: string;
  try {
    text = await read(file);
  } catch (error) {
    throw new WebConfigError({ file }, `cannot be read (${(error as NodeJS.ErrnoException).code})`, { cause: error });
  }
  const root = parseYaml(file, text)?.only('tls_server_config', 'http_server_config', 'basic_auth_users', 'rate_limit');
  const tls = root?.get('tls_server_config')?.section();
  const http = root?.get('http_server_config')?.section().only('http2', 'headers');
  const headers = http?.get('headers')?.section();
  const users = root?.get('basic_auth_users')?.section();
  const rateLimit = root?.get('rate_limit')?.section();
  http?.get('http2')?.boolean();
  return {
    tls: tls && (await parseTlsServerConfig(tls, read)),
    headers: headers ? parseResponseHeaders(headers) : new Map(),
    users: users ? parseUsers(users) : new Map(),
    rateLimit: rateLimit && parseRateLimit(rateLimit),
  };
}
