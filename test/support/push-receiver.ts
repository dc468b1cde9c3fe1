/**
 * A receiver of pushes, which decodes with a protobuf library, and shares no code with our writer. The messages of OTLP are
 * those that are published; those of remote write are written down here, and a real Prometheus decodes them in
 * `push/prometheus.test.ts`. Each request is a chance to respond badly.
 */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { parse } from 'protobufjs';
import { afterTest } from './after-test.js';
import { npmPackage } from './npm-package.js';

/** prometheus/prompb: types.proto, remote.proto and io/prometheus/write/v2/types.proto. */
const PROMPB = parse(
  `
  syntax = "proto3";
  package prometheus;
  message WriteRequest { repeated TimeSeries timeseries = 1; repeated MetricMetadata metadata = 3; }
  message MetricMetadata { uint32 type = 1; string metric_family_name = 2; string help = 4; string unit = 5; }
  message Label { string name = 1; string value = 2; }
  message Sample { double value = 1; int64 timestamp = 2; }
  message Exemplar { repeated Label labels = 1; double value = 2; int64 timestamp = 3; }
  message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; repeated Exemplar exemplars = 3; }
  message Request { reserved 1 to 3; repeated string symbols = 4; repeated TimeSeriesTwo timeseries = 5; }
  message TimeSeriesTwo {
    repeated uint32 labels_refs = 1; repeated Sample samples = 2; repeated ExemplarTwo exemplars = 4;
    Metadata metadata = 5; int64 created_timestamp = 6;
  }
  message ExemplarTwo { repeated uint32 labels_refs = 1; double value = 2; int64 timestamp = 3; }
  message Metadata { uint32 type = 1; uint32 help_ref = 3; uint32 unit_ref = 4; }
`,
  { keepCase: true },
).root;

/** The messages that the OpenTelemetry project generates of opentelemetry-proto. Its later packages have no decoder. */
let otlp: any;

/** Call it before `decodeOtlp`. */
export async function loadOtlpMessages(): Promise<void> {
  const place = await npmPackage('@opentelemetry/otlp-transformer', '0.57.2');
  otlp ??= require(join(place, 'build', 'src', 'generated', 'root.js')).opentelemetry.proto.collector.metrics.v1;
}

export interface Received {
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** By the clock of `performance.now()`. */
  readonly at: number;
}

export interface PushReceiver {
  readonly url: string;
  readonly requests: Received[];
  /** Responds to each further request; `undefined` for one that is taken. */
  respond: (request: Received, response: ServerResponse) => boolean;
}

/** @param host an address of this machine */
export async function startPushReceiver(
  t: TestContext,
  host = '127.0.0.1',
  tls?: ServerOptions,
): Promise<PushReceiver> {
  await loadOtlpMessages();
  const receiver = { url: '', requests: [] as Received[], respond: (() => false) as PushReceiver['respond'] };
  const listener: RequestListener = async (request, response) => {
    const body = await buffer(request);
    const { url = '', method = '', headers } = request;
    const received = { path: url, method, headers, body, at: performance.now() };
    receiver.requests.push(received);
    if (receiver.respond(received, response)) return;
    if (isTwo(received)) {
      const samples = decodeTwo(received).length;
      response.setHeader('x-prometheus-remote-write-samples-written', samples);
    }
    response.writeHead(isOtlp(received) ? 200 : 204).end();
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, host);
  await once(server, 'listening');
  afterTest(t, () => {
    server.closeAllConnections();
    server.close();
  });
  receiver.url = `${tls === undefined ? 'http' : 'https'}://${host}:${(server.address() as AddressInfo).port}`;
  return receiver;
}

export interface DecodedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly isStale: boolean;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly exemplar?: { readonly labels: Readonly<Record<string, string>>; readonly value: number };
  readonly createdAt?: number;
  readonly help?: string;
}

export function isTwo({ headers }: Received): boolean {
  return headers['content-type']?.includes('write.v2') === true;
}

function isOtlp({ headers }: Received): boolean {
  return headers['content-encoding'] === 'gzip';
}

/** The samples of a request of either version. */
export function decodeRemoteWrite(request: Received): DecodedSample[] {
  return isTwo(request) ? decodeTwo(request) : decodeOne(request);
}

function decode(message: any, bytes: Uint8Array): any {
  return message.toObject(message.decode(bytes), { longs: Number, arrays: true });
}

function decodeOne({ body }: Received): DecodedSample[] {
  const { timeseries } = decode(PROMPB.lookupType('prometheus.WriteRequest'), uncompressSnappy(body));
  return timeseries.flatMap(({ labels, samples, exemplars }: any) =>
    samples.map((sample: any) =>
      decodedSample(pairsOf(labels), sample, exemplars[0] && { ...exemplars[0], labels: pairsOf(exemplars[0].labels) }),
    ),
  );
}

function decodeTwo({ body }: Received): DecodedSample[] {
  const { symbols, timeseries } = decode(PROMPB.lookupType('prometheus.Request'), uncompressSnappy(body));
  const pairs = (refs: number[]): Record<string, string> =>
    Object.fromEntries(refs.flatMap((ref, at) => (at % 2 === 0 ? [[symbols[ref], symbols[refs[at + 1]]]] : [])));
  return timeseries.flatMap(({ labels_refs: refs, samples, exemplars, metadata, created_timestamp: createdAt }: any) =>
    samples.map((sample: any) => ({
      ...decodedSample(
        pairs(refs),
        sample,
        exemplars[0] && { ...exemplars[0], labels: pairs(exemplars[0].labels_refs) },
      ),
      ...(createdAt !== undefined && createdAt !== 0 && { createdAt }),
      help: symbols[metadata?.help_ref ?? 0],
    })),
  );
}

function decodedSample(
  { __name__: name, ...labels }: Record<string, string>,
  sample: any,
  exemplar: any,
): DecodedSample {
  const { value = 0, timestamp } = sample;
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  return {
    ...{ name, labels, value, timestamp },
    isStale: Number.isNaN(value) && bits.getBigUint64(0) === 0x7ff0_0000_0000_0002n,
    ...(exemplar !== undefined && { exemplar: { labels: exemplar.labels, value: exemplar.value } }),
  };
}

function pairsOf(labels: readonly { name: string; value: string }[]): Record<string, string> {
  return Object.fromEntries(labels.map(({ name, value }) => [name, value]));
}

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  /** Of the resource. */
  readonly resource: Readonly<Record<string, string>>;
  readonly sum?: {
    readonly dataPoints: readonly any[];
    readonly isMonotonic: boolean;
    readonly aggregationTemporality: number;
  };
  readonly gauge?: { readonly dataPoints: readonly any[] };
  readonly histogram?: { readonly dataPoints: readonly any[] };
  readonly exponentialHistogram?: { readonly dataPoints: readonly any[] };
  readonly summary?: { readonly dataPoints: readonly any[] };
}

export function decodeOtlp({ body }: Received): OtlpMetric[] {
  const { resourceMetrics: all } = decode(otlp.ExportMetricsServiceRequest, gunzipSync(body));
  return all.flatMap(({ resource, scopeMetrics: scopes }: any) =>
    scopes.flatMap(({ metrics }: any) =>
      metrics.map((metric: any) => ({ ...metric, resource: attributesOf(resource) })),
    ),
  );
}

interface Attributed {
  readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue: string } }[];
}

export function attributesOf({ attributes }: Attributed): Record<string, string> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}

/** A response in which the receiver has rejected some of the points. */
export function partialSuccess(rejected: number, reason: string): Uint8Array {
  const message = otlp.ExportMetricsServiceResponse;
  return message
    .encode(message.create({ partialSuccess: { rejectedDataPoints: rejected, errorMessage: reason } }))
    .finish();
}

/** google/snappy, format_description.txt. */
export function uncompressSnappy(input: Uint8Array): Uint8Array {
  let at = 0;
  const number = (bytes: number): number => {
    let value = 0;
    for (let byte = 0; byte < bytes; byte++) value += input[at++] * 256 ** byte;
    return value;
  };
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    length += (input[at] & 127) * scale;
    if (input[at++] < 128) break;
  }
  const output = new Uint8Array(length);
  let to = 0;
  while (at < input.length) {
    const tag = input[at++];
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const bytes = 1 + (short < 60 ? short : number(short - 59));
      output.set(input.subarray(at, at + bytes), to);
      at += bytes;
      to += bytes;
      continue;
    }
    const bytes = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const offset = kind === 1 ? (tag >> 5) * 256 + number(1) : number(kind === 2 ? 2 : 4);
    if (offset === 0 || offset > to) throw new Error(`a copy from ${offset} bytes before byte ${to}`);
    for (let each = 0; each < bytes; each++, to++) output[to] = output[to - offset];
  }
  if (to !== length) throw new Error(`${to} bytes of ${length}`);
  return output;
}
