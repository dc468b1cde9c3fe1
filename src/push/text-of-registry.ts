import { renderText } from '../exposition/render.js';
import { TEXT } from '../exposition/text-dialect.js';
import { PROMETHEUS_CONTENT_TYPE } from '../registry/content-type.js';
import { familyOfObject, type ForeignMetricObject } from '../registry/metric-object.js';
import { defaultScope } from '../registry/merged-view.js';
import type { Registry } from '../registry/registry.js';

/** The metrics of a registry as text 0.0.4, also where its content type is another one, in the scope of `registry.metrics()`. */
export async function textOfRegistry(registry: Registry<any>): Promise<string> {
  if (registry.contentType === PROMETHEUS_CONTENT_TYPE) return registry.metrics();
  const metrics = (await registry.getMetricsAsJSON({
    scope: defaultScope(registry.sharedName),
  })) as unknown as ForeignMetricObject[];
  return renderText(metrics.map(familyOfObject), TEXT);
}
