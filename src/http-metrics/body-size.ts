/**
 * Sizes of bodies. The bytes of a connection would be simpler to read, but those of HTTP/2 and of pipelined requests belong
 * to several responses, and headers are among them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** Statuses whose responses have no body, whatever is written (RFC 9110, 6.4.1). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/** By Content-Length, which a client may lie about in HTTP/2: what is no length is none. */
export function requestBodyBytes(request: IncomingMessage): number {
  const length = Number(request.headers['content-length'] ?? 0);
  return length >= 0 && length < Infinity ? length : 0;
}

/** Counts what is written from now on. @returns tells how many bytes of body that was */
export function countResponseBody(request: IncomingMessage, response: ServerResponse): () => number {
  let bytes = 0;
  let inside = false;
  /** In HTTP/2 `end(chunk)` is `write(chunk)` and `end()`. */
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
  if (typeof chunk === 'string') return Buffer.byteLength(chunk, asEncoding(encoding));
  return ArrayBuffer.isView(chunk) ? chunk.byteLength : 0;
}

function asEncoding(encoding: unknown): BufferEncoding {
  return typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8';
}
