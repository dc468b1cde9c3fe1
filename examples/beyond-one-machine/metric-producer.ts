/**
 * The merged metrics as OpenTelemetry has them: a MetricProducer over the collector, for any of its SDK's exporters.
 *
 * Counters become monotonic cumulative sums, histograms explicit-bucket histograms; quantiles of summaries have no
 * counterpart and become gauges, and so does everything else.
 */
import { hrTime } from '@opentelemetry/core';
import { emptyResource, type Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  type CollectionResult,
  type DataPoint,
  DataPointType,
  type Histogram,
  type MetricData,
  type MetricProducer,
} from '@opentelemetry/sdk-metrics';
import type { MetricFamily, MultiprocessCollector, Sample } from 'prom-multiproc';

type HrTime = DataPoint<number>['startTime'];

export class MultiprocessMetricProducer implements MetricProducer {
  readonly #startTime = hrTime();

  /** @param collector with `created: true`, for the times at which series started */
  constructor(
    readonly collector: MultiprocessCollector,
    readonly resource: Resource = emptyResource(),
  ) {}

  async collect(): Promise<CollectionResult> {
    const families = await this.collector.families();
    const now = hrTime();
    const metrics = families.flatMap((family) => metricsOf(family, this.#startTime, now));
    const scopeMetrics = [{ scope: { name: 'prom-multiproc' }, metrics }];
    return { resourceMetrics: { resource: this.resource, scopeMetrics }, errors: [] };
  }
}

function metricsOf(family: MetricFamily, startedAt: HrTime, now: HrTime): MetricData[] {
  const { name, type, samples } = family;
  const base = {
    // 1: double; OTLP has integers too, but what a series is must not change with its value
    descriptor: { name, description: family.help, unit: family.unit ?? '', valueType: 1 },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  const created = new Map(
    samples.filter((sample) => sample.name.endsWith('_created')).map((sample) => [keyOf(sample), sample.value]),
  );
  const point = <T>(sample: Sample, value: T): DataPoint<T> => {
    const createdAt = created.get(keyOf(sample));
    const startTime = createdAt === undefined ? startedAt : timeOf(createdAt);
    return { startTime, endTime: now, attributes: attributesOf(sample), value };
  };
  const values = samples.filter((sample) => !sample.name.endsWith('_created'));
  if (type === 'counter') {
    const dataPoints = values.map((sample) => point(sample, sample.value));
    return [{ ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }];
  }
  if (type === 'histogram') {
    const dataPoints = [...histograms(name, values)].map(([sample, value]) => point(sample, value));
    return [{ ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints }];
  }
  return [...new Set(values.map((sample) => sample.name))].map((sampleName): MetricData => {
    const dataPoints = values
      .filter((sample) => sample.name === sampleName)
      .map((sample) => point(sample, sample.value));
    return {
      ...base,
      descriptor: { ...base.descriptor, name: sampleName },
      dataPointType: DataPointType.GAUGE,
      dataPoints,
    };
  });
}

/** The buckets of each series, no longer cumulative. The sample is the one that says how many there are. */
function histograms(name: string, samples: readonly Sample[]): Map<Sample, Histogram> {
  const series = new Map<string, { boundaries: number[]; cumulative: number[]; sum: number }>();
  const found = new Map<Sample, Histogram>();
  for (const sample of samples) {
    const key = keyOf(sample);
    const known = series.get(key) ?? { boundaries: [], cumulative: [], sum: 0 };
    series.set(key, known);
    if (sample.name === `${name}_bucket`) {
      if (sample.labels.le !== '+Inf') known.boundaries.push(Number(sample.labels.le));
      known.cumulative.push(sample.value);
    } else if (sample.name === `${name}_sum`) {
      known.sum = sample.value;
    } else {
      const { boundaries, cumulative, sum } = known;
      const counts = cumulative.map((count, at) => count - (cumulative[at - 1] ?? 0));
      found.set(sample, { buckets: { boundaries, counts }, sum, count: sample.value });
    }
  }
  return found;
}

function attributesOf({ labels }: Sample): Record<string, string> {
  const { le: _bound, ...attributes } = labels;
  return attributes;
}

function keyOf(sample: Sample): string {
  return JSON.stringify(Object.entries(attributesOf(sample)).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function timeOf(seconds: number): HrTime {
  return [Math.floor(seconds), Math.round((seconds % 1) * 1e9)];
}
