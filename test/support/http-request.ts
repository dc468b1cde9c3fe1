import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

export type AskOptions = RequestOptions & {
  /** TLS: what the client trusts and shows. */
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3';
};

/** One request over a connection of its own (or an agent's), its answer read to the end. */
export async function ask(url: string, options: AskOptions = {}): Promise<Answer> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  const sent = request(url, { agent: false, ...options }).end();
  const [response] = await once(sent, 'response');
  const body = await buffer(response);
  return { status: response.statusCode, headers: response.headers, body, text: body.toString() };
}

/** An Authorization header. */
export function basic(user: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
}

/** A socket that is connected. */
export async function connected(options: NetConnectOpts): Promise<Socket> {
  const socket = connect(options);
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes on a socket until the other side ends it. */
export async function readToEnd(socket: Socket): Promise<string> {
  socket.on('error', () => undefined);
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  // events.once() would reject for a connection that ends in a reset, which is an end like any other here
  await new Promise((resolve) => socket.once('close', resolve));
  return Buffer.concat(chunks).toString();
}

/** Sends bytes as they are, and returns all that comes back until the server closes the connection. */
export async function exchange(options: NetConnectOpts, bytes: string): Promise<string> {
  const socket = await connected(options);
  const answer = readToEnd(socket);
  socket.write(bytes, 'latin1');
  return answer;
}
