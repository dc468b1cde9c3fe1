import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** The fields of every short text answer. `nosniff`: no browser may take text for a page. */
const TEXT_HEADERS = { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' };

/** Answers with one line of text. Where an answer has already begun it is cut off, so that nobody takes it for whole. */
export function sendText(res: ServerResponse, status: number, line: string, headers: OutgoingHttpHeaders = {}): void {
  if (res.headersSent) {
    res.destroy();
    return;
  }
  const text = `${line}\n`;
  res.writeHead(status, { ...TEXT_HEADERS, 'Content-Length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

/** Whether the method only reads. Otherwise the request has been answered with 405 and what is allowed. */
export function onlyReads(req: IncomingMessage, res: ServerResponse): boolean {
  if (req.method === 'GET' || req.method === 'HEAD') return true;
  sendText(res, 405, 'Only GET and HEAD are answered here.', { Allow: 'GET, HEAD' });
  return false;
}
