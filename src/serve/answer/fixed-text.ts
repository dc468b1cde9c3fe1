import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { onlyReads } from './plain-text.js';

/**
 * Serves a text that does not change. It is encoded at its first request and then kept.
 *
 * @param policy the Content-Security-Policy of a page; one in the web configuration file replaces it
 */
export function serveFixedText(contentType: string, text: () => string, policy?: string) {
  let held: { body: Buffer; etag: string } | undefined;
  return (req: IncomingMessage, res: ServerResponse): void => {
    if (!onlyReads(req, res)) return;
    held ??= withTag(Buffer.from(text()));
    const { body, etag } = held;
    if (policy !== undefined && !res.hasHeader('Content-Security-Policy')) {
      res.setHeader('Content-Security-Policy', policy);
    }
    res.setHeader('ETag', etag);
    // browsers ask each time and get 304: so after an update no browser mixes old and new files
    res.setHeader('Cache-Control', 'no-cache');
    if (req.headers['if-none-match'] === etag) {
      res.writeHead(304).end();
      return;
    }
    res.writeHead(200, {
      'Content-Type': contentType,
      'Content-Length': body.byteLength,
      'Cross-Origin-Resource-Policy': 'same-origin',
      'Referrer-Policy': 'no-referrer',
      'X-Content-Type-Options': 'nosniff',
    });
    res.end(body);
  };
}

function withTag(body: Buffer): { body: Buffer; etag: string } {
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"` };
}
