/**
 * A Pushgateway client with the arguments, results and errors of prom-client's. prom-client's own is not used: Pushgateway 1.5
 * responds with 400 to its requests for a job or a grouping value with a slash, and stores `.` and `..` under another key
 * (tested); counters of an OpenMetrics registry arrive without a type; and it removes a header from the caller's options.
 */
import type * as http from 'node:http';
import type * as https from 'node:https';
import { promisify } from 'node:util';
import type * as zlib from 'node:zlib';
import {
  PROMETHEUS_CONTENT_TYPE,
  type PrometheusContentType,
  type RegistryContentType,
} from '../registry/content-type.js';
import { register as defaultRegistry } from '../registry/default-registry.js';
import { Registry } from '../registry/registry.js';
import type * as texts from './text-of-registry.js';

/** With `requireJobName: false`, `jobName` may be left out. The other options are those of node:http's request. */
export type PushgatewayOptions = https.RequestOptions & texts.TextOptions & { readonly requireJobName?: boolean };

export interface PushResult {
  resp?: unknown;
  body?: unknown;
}

/**
 * Pushes the metrics of a registry. Where several processes share a directory these are the merged metrics, so that one
 * process pushes for all. The header `Content-Encoding: gzip` in the options compresses them.
 */
export class Pushgateway<T extends RegistryContentType = PrometheusContentType> {
  readonly registry: Registry<T>;
  readonly gatewayUrl: string;
  readonly requireJobName: boolean;
  readonly requestOptions: https.RequestOptions;
  readonly #text: texts.TextOptions;

  /** @param url the gateway's URL, with the path that stands before `/metrics` if there is one */
  constructor(url: string, options?: PushgatewayOptions | null, registry?: Registry<T>);
  /** As in @prometheus-io/client. */
  constructor(url: string, registry: Registry<T>);
  constructor(url: string, second?: PushgatewayOptions | Registry<T> | null, third?: Registry<T>) {
    const isRegistry = second instanceof Registry;
    const registry = isRegistry ? second : third;
    const { requireJobName = true, selfMetrics, ...requestOptions } = isRegistry ? {} : (second ?? {});
    this.registry = registry ?? (defaultRegistry as unknown as Registry<T>);
    this.gatewayUrl = url;
    this.requireJobName = requireJobName;
    this.requestOptions = requestOptions;
    this.#text = { selfMetrics };
  }

  /**
   * Replaces the metrics of the same names in the group. Rejects with prom-client's errors or with the system's.
   *
   * @throws {Error} prom-client's, where the job's name is missing
   */
  pushAdd(parameters: Pushgateway.Parameters = {} as Pushgateway.Parameters): Promise<PushResult> {
    return this.#send('POST', this.#checked(parameters));
  }

  /** Replaces all metrics of the group. Errors: as `pushAdd`. */
  push(parameters: Pushgateway.Parameters = {} as Pushgateway.Parameters): Promise<PushResult> {
    return this.#send('PUT', this.#checked(parameters));
  }

  /** Deletes the group. Errors: as `pushAdd`. */
  delete(parameters: Pushgateway.Parameters = {} as Pushgateway.Parameters): Promise<PushResult> {
    return this.#send('DELETE', this.#checked(parameters));
  }

  #checked(parameters: Pushgateway.Parameters): Pushgateway.Parameters {
    if (this.requireJobName && !parameters.jobName) throw new Error('Missing jobName parameter');
    return parameters;
  }

  async #send(method: string, { jobName, groupings }: Pushgateway.Parameters): Promise<PushResult> {
    const url = new URL(this.gatewayUrl);
    url.pathname = `${url.pathname.replace(/\/$/, '')}/metrics${jobName ? groupPath({ job: jobName, ...groupings }) : ''}`;
    const { body, headers } = await this.#message(method);
    return new Promise((resolve, reject) => {
      const sent = requestOf(url.protocol)(url, { ...this.requestOptions, method, headers }, (response) => {
        outcome(response).then(resolve, reject);
      });
      sent.on('error', reject);
      sent.on('timeout', () => sent.destroy(new Error('Pushgateway request timed out')));
      sent.end(body);
    });
  }

  async #message(method: string): Promise<{ body?: string | Buffer; headers: Record<string, any> }> {
    const headers: Record<string, any> = {};
    for (const [name, value] of Object.entries(this.requestOptions.headers ?? {})) headers[name.toLowerCase()] = value;
    if (method === 'DELETE') {
      delete headers['content-encoding'];
      return { headers };
    }
    const { textOfRegistry } = require('./text-of-registry.js') as typeof texts;
    const exposition = await textOfRegistry(this.registry, this.#text);
    const body = headers['content-encoding'] === 'gzip' ? await compress(exposition) : exposition;
    return { body, headers: { 'content-type': PROMETHEUS_CONTENT_TYPE, ...headers } };
  }
}

export namespace Pushgateway {
  export interface Parameters {
    jobName: string;
    /** Labels that tell the group from other groups of the job. */
    groupings?: { [key: string]: string };
  }
}

// what is needed to push loads at the first push: most processes push nothing

function requestOf(protocol: string): typeof http.request {
  if (protocol === 'https:') return (require('node:https') as typeof https).request;
  return (require('node:http') as typeof http).request;
}

function compress(body: string): Promise<Buffer> {
  const { gzip } = require('node:zlib') as typeof zlib;
  return promisify<string, Buffer>(gzip)(body);
}

async function outcome(resp: http.IncomingMessage): Promise<PushResult> {
  const chunks: string[] = [];
  for await (const chunk of resp.setEncoding('utf8')) chunks.push(chunk as string);
  const body = chunks.join('');
  if ((resp.statusCode ?? 0) >= 400) throw new Error(`push failed with status ${resp.statusCode}, ${body}`);
  return { resp, body };
}

/** Base64 for values that a path segment cannot hold: the empty string, a slash, `.` and `..`. */
export function groupPath(groupings: Readonly<Record<string, string>>): string {
  return Object.entries(groupings)
    .map(([name, given]) => {
      const encoded = encodeURIComponent(name);
      if (!/^$|^\.\.?$|\//.test(given)) return `/${encoded}/${encodeURIComponent(given)}`;
      return `/${encoded}@base64/${Buffer.from(given).toString('base64url') || '='}`;
    })
    .join('');
}
