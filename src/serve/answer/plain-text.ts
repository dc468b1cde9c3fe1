import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** The header fields of every short text response. `nosniff`: a browser must not treat the text as HTML. */
const TEXT_HEADERS = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };

/** Responds with one line of text. A response that has already begun is cut off instead, so that no client takes it for complete. */
export function sendText(res: ServerResponse, status: number, line: string, headers: OutgoingHttpHeaders = {}): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const text = `${line}\n`;
  res.writeHead(status, { ...TEXT_HEADERS, 'Content-Length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

/** Whether the method is GET or HEAD. Where it is not, this function has responded with 405 and the allowed methods. */
export function onlyReads(req: IncomingMessage, res: ServerResponse): boolean {
  if (req.method === 'GET' || req.method === 'HEAD') return true;
  sendText(res, 405, 'Only GET and HEAD are allowed here.', { Allow: 'GET, HEAD' });
  return false;
}
