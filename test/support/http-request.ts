import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export type AskOptions = RequestOptions & {
  /** TLS: the authority that the client trusts, and its own certificate and key. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
};

/** Sends one request over a new connection (or an agent's) and reads the whole response. */
export async function ask(url: string, options: AskOptions = {}): Promise<HttpResponse> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const sent = request(url, { agent: false, ...options }).end();
  const [response] = await once(sent, 'response');
  const body = await buffer(response);
  return { status: response.statusCode, headers: response.headers, body, text: body.toString() };
}

/** Returns an Authorization header. */
export function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** Opens a socket and waits until it is connected. */
export async function connected(options: NetConnectOpts): Promise<Socket> {
  const socket = connect(options);
  await once(socket, 'connect');
  return socket;
}

/** Reads a socket until the other side ends it. */
export async function readToEnd(socket: Socket): Promise<string> {
  socket.on('error', () => undefined);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  // events.once() would reject if the connection ends in a reset, which is a normal end here
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString();
}

/** Sends raw bytes, and returns everything that arrives until the server closes the connection. */
export async function exchange(options: NetConnectOpts, bytes: string): Promise<string> {
  const socket = await connected(options);
  const answer = readToEnd(socket);
  socket.write(bytes, 'latin1');
  return answer;
}
