/**
 * Sizes of bodies. The byte counter of the connection would be simpler to read, but with HTTP/2 and with pipelined requests
 * it counts several responses together, and it counts headers too.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Responses with these statuses have no body, whatever the application writes (RFC 9110, 6.4.1). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/** The request's Content-Length. An HTTP/2 client may send anything there: a value that is no length counts as 0. */
export function requestBodyBytes(request: IncomingMessage): number {
  const length = Number(request.headers['content-length'] ?? 0);
  return length >= 0 && length < Infinity ? length : 0;
}

/** Counts the body bytes that are written from now on. @returns a function that returns their number */
export function countResponseBody(request: IncomingMessage, response: ServerResponse): () => number {
  let bytes = 0;
  let inside = false;
  /** In HTTP/2 `end(chunk)` calls `write(chunk)` and then `end()`. */
  const counted = (call: (...args: any[]) => any) =>
    function (this: ServerResponse, ...args: unknown[]): unknown {
      if (inside) return call.apply(this, args);
      bytes += chunkBytes(args[0], args[1]);
      inside = true;
      try {
        return call.apply(this, args);
      } finally {
        inside = false;
      }
    };
  response.write = counted(response.write) as typeof response.write;
  response.end = counted(response.end) as typeof response.end;
  return () => (request.method === 'HEAD' || WITHOUT_BODY.has(response.statusCode) ? 0 : bytes);
}

function chunkBytes(chunk: unknown, encoding: unknown): number {
  const given = typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
  if (typeof chunk === 'string') return Buffer.byteLength(chunk, given);
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : 0;
}
