/** A push target that is reached by HTTP: it sends requests, and judges the responses. */
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent, type IncomingHttpHeaders, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { inspect } from 'node:util';
import { describeError, invalidArgument } from '../errors.js';
import type { HttpTargetOptions, Outcome } from './push-target.js';

interface HttpRequest {
  readonly method: 'POST' | 'PUT';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** More of a response is not read: no protocol has longer responses. */
const MAX_RESPONSE_BYTES = 64 * 1024;
const MAX_RETRY_AFTER_MS = 5 * 60_000;

/** No response, for this reason. */
interface NoResponse {
  readonly error: string;
}

export abstract class HttpTarget {
  /** The URL without user name, password and query, which may be secrets. */
  readonly destination: string;
  readonly #url: URL;
  readonly #options: HttpTargetOptions;
  readonly #agent: HttpAgent | HttpsAgent;

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(option: string, options: HttpTargetOptions, path = '') {
    const url = checkedUrl(option, options);
    url.pathname = url.pathname.replace(/\/$/, path === '' ? '$&' : '') + path;
    this.#url = url;
    this.#options = options;
    this.destination = `${url.origin}${url.pathname}`;
    // one connection, kept between two sendings; it does not keep the process alive
    this.#agent =
      url.protocol === 'https:'
        ? new HttpsAgent({ keepAlive: true, maxSockets: 1, ...options.tls })
        : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  }

  /** Redirects are not followed: they would take the credentials elsewhere. */
  protected async request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse | NoResponse> {
    try {
      return await this.#send(request, signal);
    } catch (error) {
      return { error: describeError(error) };
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send({ method, headers, body }: HttpRequest, ended: AbortSignal): Promise<HttpResponse> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, headers: own } = this.#options;
    const authorization = await authorizationOf(this.#options);
    const send = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(this.#url, {
        method,
        agent: this.#agent,
        headers: {
          'user-agent': 'prom-multiproc',
          ...headers,
          ...authorization,
          ...own,
          'content-length': body.length,
        },
      });
      const fail = (error: Error): void => {
        clearTimeout(timer);
        ended.removeEventListener('abort', end);
        reject(error);
        request.destroy();
      };
      const end = (): void => fail(new Error('ended before a response came'));
      const timer = setTimeout(() => fail(new Error(`no response within ${timeoutMs} ms`)), timeoutMs);
      timer.unref();
      ended.addEventListener('abort', end);
      request.on('socket', (socket) => socket.unref());
      request.on('error', fail);
      request.on('response', (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on('data', (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes <= MAX_RESPONSE_BYTES) chunks.push(chunk);
          else fail(new Error(`the response is longer than ${MAX_RESPONSE_BYTES} bytes`));
        });
        response.on('error', fail);
        response.on('end', () => {
          clearTimeout(timer);
          ended.removeEventListener('abort', end);
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
        });
        response.on('close', () => {
          if (!response.complete) fail(new Error('the connection was closed within the response'));
        });
      });
      request.end(body);
      if (ended.aborted) end();
    });
  }
}

/** Whether the receiver has taken the message. */
export function isSuccess(response: HttpResponse | NoResponse): response is HttpResponse {
  return 'status' in response && response.status >= 200 && response.status < 300;
}

/**
 * The meaning of a response other than 2xx, or of no response.
 *
 * @param mayBeRetried whether the protocol allows to send the message again after this status
 */
export function failure(
  response: HttpResponse | NoResponse,
  mayBeRetried: (status: number) => boolean,
): Exclude<Outcome, { result: 'sent' }> {
  if ('error' in response) {
    // a message is not given up because its receiver is missing; it is if the receiver takes it and never responds
    return {
      result: 'failed',
      reason: response.error,
      limited: !/ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH/.test(response.error),
    };
  }
  const { status, headers } = response;
  const reason = `status ${status}${reasonIn(response)}`;
  if (status !== 429 && !mayBeRetried(status)) return { result: 'refused', reason };
  return { result: 'failed', reason, limited: status !== 429, afterMs: retryAfterMs(headers['retry-after']) };
}

function reasonIn({ status, headers, body }: HttpResponse): string {
  if (status >= 300 && status < 400) {
    return `, a redirect to ${describeError(headers.location ?? 'nowhere')}, which is not followed: give that URL`;
  }
  // a body of protobuf is no text for people
  const text = /text|json/.test(headers['content-type'] ?? '')
    ? describeError(body.toString('utf8', 0, 300)).trim()
    : '';
  return text === '' ? '' : `, ${text}`;
}

/** Seconds, or a date. Undefined where the header has neither. */
function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
}

async function authorizationOf(options: HttpTargetOptions): Promise<Record<string, string>> {
  const { basicAuth, bearerToken, bearerTokenFile } = options;
  if (basicAuth !== undefined) {
    const { username, password = '', passwordFile } = basicAuth;
    const secret = passwordFile === undefined ? password : await secretIn(passwordFile);
    return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}` };
  }
  const token = bearerTokenFile === undefined ? bearerToken : await secretIn(bearerTokenFile);
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

async function secretIn(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim();
}

function checkedUrl(option: string, options: HttpTargetOptions): URL {
  const refuse = (name: string, value: unknown, rule: string): never => {
    throw invalidArgument(`option ${option}.${name} is ${inspect(value)}; ${rule}`);
  };
  const { url: given, basicAuth, bearerToken, bearerTokenFile, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  if (!URL.canParse(given) || !/^https?:/.test(given)) refuse('url', given, 'give an http: or https: URL');
  if ([basicAuth, bearerToken, bearerTokenFile].filter((one) => one !== undefined).length > 1) {
    refuse('bearerToken', '…', 'give one of basicAuth, bearerToken and bearerTokenFile');
  }
  if (!(timeoutMs >= 1 && timeoutMs < 2 ** 31)) {
    refuse('timeoutMs', timeoutMs, `give milliseconds, 1 to ${2 ** 31 - 1}`);
  }
  return new URL(given);
}
