/** Prometheus remote write: to Prometheus, Mimir, Thanos, VictoriaMetrics, Grafana Cloud and others. */
import type { TimeSlices } from '../time-slices.js';
import { invalidArgument } from '../errors.js';
import { groupingSteps, type SeriesGroup } from '../exposition/grouped-series.js';
import type { Exemplar, Labels } from '../model/metric-family.js';
import { failure, type HttpResponse, HttpTarget, isSuccess } from './http-target.js';
import type { HttpTargetOptions, Message, Outcome, PushTarget, Snapshot } from './push-target.js';
import {
  type RemoteFamily,
  type RemoteSample,
  type RemoteSeries,
  type VersionName,
  VERSIONS,
} from './remote-write-message.js';
import { SeriesTable } from './series-table.js';
import { compressSnappy } from './snappy.js';

export interface RemoteWriteOptions extends HttpTargetOptions {
  /**
   * Version of the protocol. Default 'auto': 2.0 where the receiver takes it, otherwise 1.0. Only 2.0 has times of creation,
   * and types and help beside each series.
   */
  readonly version?: VersionName | 'auto';
}

/** As in Prometheus' queue: a receiver that refuses one sample refuses its whole message. */
const MAX_SAMPLES = 2000;
/** How often a message of 1.0 has the types and help of its metrics. */
const METADATA_MS = 60_000;
/** When a receiver that did not respond is asked again which version it takes. */
const ASK_AGAIN_MS = 60_000;

interface SentSeries extends RemoteSeries {
  /** Timestamp of the last exemplar sent, in seconds: receivers refuse older ones. */
  exemplarAt: number;
}

export class RemoteWrite extends HttpTarget implements PushTarget {
  readonly marksEnds = true;
  readonly #labels: Labels;
  /** Undefined until the receiver has shown what it takes. */
  #version: VersionName | undefined;
  readonly #mayChange: boolean;
  #askAt = 0;
  #metadataAt = -Infinity;
  readonly #series = new SeriesTable<SentSeries>();

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(options: RemoteWriteOptions, labels: Labels) {
    const { version = 'auto' } = options;
    if (version !== 'auto' && !(version in VERSIONS)) {
      throw invalidArgument(`option remoteWrite.version is ${JSON.stringify(version)}; give '1.0', '2.0' or 'auto'`);
    }
    super('remoteWrite', options);
    this.#labels = labels;
    this.#mayChange = version === 'auto';
    this.#version = version === 'auto' ? undefined : version;
  }

  /**
   * Asks the receiver by an empty message of 2.0. A receiver of 2.0 responds with the number of samples written; older ones
   * have no such header, and would take every message of 2.0 for an empty one of 1.0 and respond with 204.
   */
  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#version !== undefined || performance.now() < this.#askAt) return;
    const response = await this.#post('2.0', compressSnappy(VERSIONS['2.0'].encode([], 0, false)), signal);
    if ('error' in response || response.status === 429 || response.status >= 500) {
      this.#askAt = performance.now() + ASK_AGAIN_MS;
      return;
    }
    this.#version = isSuccess(response) && writtenBy(response) !== undefined ? '2.0' : '1.0';
  }

  async *messages({ families, time }: Snapshot, slices: TimeSlices): AsyncGenerator<Message> {
    const withMetadata = time - this.#metadataAt >= METADATA_MS;
    if (withMetadata) this.#metadataAt = time;
    let part: RemoteSample[] = [];
    for await (const batch of this.#batches(families, slices)) {
      for (const sample of batch) {
        part.push(sample);
        if (part.length === MAX_SAMPLES) {
          await slices.next();
          yield this.#message(part, time, withMetadata);
          part = [];
        } else if (slices.isOver) await slices.next();
      }
    }
    if (part.length === 0) return;
    await slices.next();
    yield this.#message(part, time, withMetadata);
  }

  async send({ body, samples, version }: Message, signal: AbortSignal): Promise<Outcome> {
    const used = version as VersionName;
    const response = await this.#post(used, body, signal);
    const written = 'error' in response ? undefined : writtenBy(response);
    if (!isSuccess(response)) {
      // the receiver takes 2.0 no longer: the next snapshot asks again
      if ('status' in response && response.status === 415 && this.#mayChange) this.#version = undefined;
      const failed = failure(response, (status) => status >= 500);
      return failed.result === 'refused' && written !== undefined ? { ...failed, lost: samples - written } : failed;
    }
    if (used === '1.0' || written === samples) return { result: 'sent' };
    if (written === undefined) {
      if (this.#mayChange) this.#version = undefined;
      return {
        result: 'refused',
        reason: 'the receiver does not confirm messages of remote write 2.0: it may not know them',
      };
    }
    return { result: 'sent', lost: samples - written, reason: `the receiver wrote ${written} of ${samples} samples` };
  }

  /** The samples of each group of series, and at last those of series that have vanished. */
  async *#batches(families: Snapshot['families'], slices: TimeSlices): AsyncGenerator<Iterable<RemoteSample>> {
    for (const { name, type, help, unit, samples } of families) {
      const family: RemoteFamily = { name, type, help, unit };
      const groups = await slices.run(groupingSteps({ name, type, help, samples }));
      for (const group of groups) yield this.#samplesOf(family, group);
    }
    // all samples of the sending are there
    const vanished = this.#series.takeVanished();
    yield vanished.map((series) => ({ series, value: undefined }));
  }

  *#samplesOf(family: RemoteFamily, { lines, series, isNative }: SeriesGroup): Generator<RemoteSample> {
    // classic buckets beside native ones are sent too
    const hasLines = !isNative || lines.some(({ label }) => label !== undefined && label.value !== '+Inf');
    const sumAt = lines.findIndex(({ name }) => name.endsWith('_sum'));
    for (const { labels, values, exemplars, created, native } of series) {
      const createdAt = created === undefined ? undefined : Math.round(created * 1000);
      if (native !== undefined) {
        const sent = this.#seriesOf(family, family.name, labels);
        const exemplar = newExemplar(sent, newest(exemplars));
        yield { series: sent, value: 0, native: { buckets: native, sum: values[sumAt] ?? 0 }, exemplar, createdAt };
      }
      if (!hasLines) continue;
      for (const [at, { name, label }] of lines.entries()) {
        const own = label === undefined ? labels : { ...labels, [label.name]: label.value };
        const sent = this.#seriesOf(family, name, own);
        yield { series: sent, value: values[at], exemplar: newExemplar(sent, exemplars[at]), createdAt };
      }
    }
  }

  #message(samples: readonly RemoteSample[], time: number, withMetadata: boolean): Message {
    const version = this.#version ?? '1.0';
    const body = compressSnappy(VERSIONS[version].encode(samples, time, withMetadata));
    return { body, samples: samples.length, version };
  }

  #seriesOf(family: RemoteFamily, name: string, own: Labels): SentSeries {
    return this.#series.at(name, own, () => {
      const labels = Object.entries({ ...this.#labels, ...own, __name__: name })
        // an empty label is no label, and receivers refuse it
        .filter(([, value]) => value !== '')
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      return { labels, family, exemplarAt: 0 };
    });
  }

  #post(version: VersionName, body: Uint8Array, signal: AbortSignal): ReturnType<HttpTarget['request']> {
    const headers = { 'content-encoding': 'snappy', ...VERSIONS[version].headers };
    return this.request({ method: 'POST', headers, body }, signal);
  }
}

/** The number of samples and histograms that a receiver of 2.0 has written. */
function writtenBy({ headers }: HttpResponse): number | undefined {
  const samples = headers['x-prometheus-remote-write-samples-written'];
  const histograms = headers['x-prometheus-remote-write-histograms-written'] ?? 0;
  return samples === undefined ? undefined : Number(samples) + Number(histograms);
}

function newest(exemplars: readonly (Exemplar | undefined)[]): Exemplar | undefined {
  return exemplars.reduce((last, each) => ((each?.timestamp ?? 0) > (last?.timestamp ?? 0) ? each : last), undefined);
}

/** An exemplar that the receiver does not have yet. */
function newExemplar(series: SentSeries, exemplar: Exemplar | undefined): Exemplar | undefined {
  const { timestamp } = exemplar ?? {};
  if (timestamp === undefined || timestamp <= series.exemplarAt) return undefined;
  series.exemplarAt = timestamp;
  return exemplar;
}
