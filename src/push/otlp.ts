/** OTLP over HTTP, in protobuf: to the OpenTelemetry Collector, and to receivers that take OTLP themselves. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { TimeSlices } from '../time-slices.js';
import { describeError } from '../errors.js';
import { groupingSteps } from '../exposition/grouped-series.js';
import { readVarint } from '../exposition/wire.js';
import type { Labels } from '../model/metric-family.js';
import { failure, HttpTarget, isSuccess } from './http-target.js';
import {
  endOf,
  type OtlpMetric,
  otlpMetric,
  otlpRequest,
  type OtlpSeries,
  otlpSeries,
  pointOf,
} from './otlp-message.js';
import type { HttpTargetOptions, Message, Outcome, PushTarget, Snapshot } from './push-target.js';
import { SeriesTable } from './series-table.js';

/** `url` is that of the signal, mostly with the path `/v1/metrics`. */
export type OtlpOptions = HttpTargetOptions;

const compress = promisify(gzip);
const MAX_POINTS = 2000;
/** Only these may be sent again: OTLP 1.x, «Failures». */
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);
/** Names that OpenTelemetry has for Prometheus' labels of a target. */
const RESOURCE_NAMES: Readonly<Record<string, string>> = { job: 'service.name', instance: 'service.instance.id' };

export class Otlp extends HttpTarget implements PushTarget {
  readonly marksEnds = true;
  readonly #resource: Labels;
  readonly #series = new SeriesTable<OtlpSeries>();

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(options: OtlpOptions, labels: Labels) {
    super('otlp', options);
    this.#resource = Object.fromEntries(
      Object.entries(labels).map(([name, value]) => [RESOURCE_NAMES[name] ?? name, value]),
    );
  }

  async *messages({ families, time }: Snapshot, slices: TimeSlices): AsyncGenerator<Message> {
    const points = new Points(this.#resource);
    for (const family of families) {
      for (const { lines, series, isNative } of await slices.run(groupingSteps(family))) {
        const metric = otlpMetric(family, isNative);
        for (const each of series) {
          // another declaration may give the name another type
          const sent = this.#series.at(`${family.type} ${isNative} ${family.name}`, each.labels, () =>
            otlpSeries(metric, each.labels),
          );
          points.add(metric, pointOf(sent, each, lines, time));
          if (points.count >= MAX_POINTS) yield await points.take();
          else if (slices.isOver) await slices.next();
        }
      }
    }
    for (const vanished of this.#series.takeVanished()) {
      points.add(vanished.metric, endOf(vanished, time));
      if (points.count >= MAX_POINTS) yield await points.take();
    }
    if (points.count > 0) yield await points.take();
  }

  async send({ body, samples }: Message, signal: AbortSignal): Promise<Outcome> {
    const headers = { 'content-type': 'application/x-protobuf', 'content-encoding': 'gzip' };
    const response = await this.request({ method: 'POST', headers, body }, signal);
    if (!isSuccess(response)) return failure(response, (status) => RETRYABLE.has(status));
    const { rejected, reason } = partialSuccess(response.body);
    return rejected === 0 ? { result: 'sent' } : { result: 'sent', lost: Math.min(rejected, samples), reason };
  }
}

/** The points of the next message. */
class Points {
  count = 0;
  readonly #resource: Labels;
  #byMetric = new Map<OtlpMetric, Uint8Array[]>();

  constructor(resource: Labels) {
    this.#resource = resource;
  }

  add(metric: OtlpMetric, point: Uint8Array): void {
    this.count++;
    const points = this.#byMetric.get(metric);
    if (points === undefined) this.#byMetric.set(metric, [point]);
    else points.push(point);
  }

  async take(): Promise<Message> {
    const { count } = this;
    const body = otlpRequest(this.#resource, this.#byMetric);
    this.#byMetric = new Map();
    this.count = 0;
    return { body: await compress(body), samples: count };
  }
}

const LENGTH = 2;
const PARTIAL_SUCCESS = (1 << 3) | LENGTH;
const REJECTED = 1 << 3;
const ERROR_MESSAGE = (2 << 3) | LENGTH;

/** Reads ExportMetricsServiceResponse, which has one field with two fields. Other bytes mean that nothing was rejected. */
function partialSuccess(body: Buffer): { readonly rejected: number; readonly reason: string } {
  let rejected = 0;
  let reason = 'the receiver gives no reason';
  if (body[0] === PARTIAL_SUCCESS) {
    for (let at = 1 + varintBytes(body, 1); at < body.length;) {
      const tag = body[at++];
      const bytes = varintBytes(body, at);
      if (at + bytes > body.length) break;
      const value = readVarint(body, at);
      at += bytes;
      if (tag === REJECTED) rejected = value;
      else if (tag === ERROR_MESSAGE) {
        reason = describeError(body.toString('utf8', at, at + value));
        at += value;
      } else break;
    }
  }
  return { rejected: Number.isSafeInteger(rejected) ? rejected : 0, reason };
}

/** Ends behind the source where the varint is cut off. */
function varintBytes(source: Uint8Array, at: number): number {
  let bytes = 1;
  while (source[at++] >= 0x80) bytes++;
  return bytes;
}
