import { isDefaultMetricName } from '../default-metrics/default-metric-groups.js';
import { renderText } from '../exposition/render.js';
import { TEXT } from '../exposition/text-dialect.js';
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { PROMETHEUS_CONTENT_TYPE } from '../registry/content-type.js';
import { familyOfObject, type ForeignMetricObject } from '../registry/metric-object.js';
import { defaultScope } from '../registry/merged-view.js';
import type { Registry } from '../registry/registry.js';
import type { Message } from './push-target.js';

/** Options of a text that stands beside texts of other jobs: in a file for node_exporter or in a group of the Pushgateway. */
export interface TextOptions {
  /**
   * Whether the text contains `prom_multiproc_*` and the default metrics (those without a prefix). They describe the process and
   * not the work of the job, and the ones of two jobs collide. Default false.
   */
  readonly selfMetrics?: boolean;
}

/** The metrics of a registry as text 0.0.4, also where its content type is another one, in the scope of `registry.metrics()`. */
export async function textOfRegistry(registry: Registry<any>, options: TextOptions = {}): Promise<string> {
  if (options.selfMetrics === true && registry.contentType === PROMETHEUS_CONTENT_TYPE) return registry.metrics();
  const metrics = (await registry.getMetricsAsJSON({
    scope: defaultScope(registry.sharedName),
  })) as unknown as ForeignMetricObject[];
  return renderText(withoutSelfMetrics(metrics.map(familyOfObject), options), TEXT);
}

/** @param labels are added to every sample; a label of the sample wins */
export function textMessage(families: readonly MetricFamily[], options: TextOptions, labels: Labels): Message {
  const labelled = withoutSelfMetrics(families, options).map((family) => ({
    ...family,
    samples: family.samples.map((sample) => ({ ...sample, labels: { ...labels, ...sample.labels } })),
  }));
  const samples = families.reduce((sum, family) => sum + family.samples.length, 0);
  return { body: Buffer.from(renderText(labelled, TEXT)), samples };
}

/** Returns all families if the options ask for the self metrics too. */
function withoutSelfMetrics(
  families: readonly MetricFamily[],
  { selfMetrics = false }: TextOptions,
): readonly MetricFamily[] {
  return selfMetrics ? families : families.filter(({ name }) => !isSelfMetric(name));
}

function isSelfMetric(name: string): boolean {
  return name.startsWith('prom_multiproc_') || isDefaultMetricName(name);
}
