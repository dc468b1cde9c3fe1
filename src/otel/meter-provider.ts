import type {
  Attributes,
  Meter as ApiMeter,
  MeterOptions,
  MeterProvider as ApiMeterProvider,
} from '@opentelemetry/api';
import type { RegistryOfMetrics } from '../instruments/configuration.js';
import { Info } from '../instruments/info.js';
import { assertNameValidation, type NameValidation } from '../model/naming.js';
import { register } from '../registry/default-registry.js';
import { labelsOf } from './attribute-labels.js';
import { Meter } from './meter.js';
import { MeterFamilies } from './meter-families.js';
import { labelName } from './metric-name.js';
import { resourceOfEnvironment } from './resource.js';
import { type View, viewFinder } from './view.js';

export interface MeterProviderOptions {
  /** The registry that shows the metrics. Default: the default registry. */
  readonly registry?: RegistryOfMetrics;
  readonly views?: readonly View[];
  /**
   * Attributes of the resource, shown as labels of `target_info`. Default: OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES.
   */
  readonly resource?: Attributes | { readonly attributes: Attributes };
  /** Whether series have the labels `otel_scope_name`, `otel_scope_version` and those of the scope. Default: true. */
  readonly scopeLabels?: boolean;
  /** Whether units become a part of the names: `http.server.request.duration` in `s` ends with `_seconds`. Default: true. */
  readonly unitSuffixes?: boolean;
  /** 'utf8' keeps the dots of names for scrapers that accept them. Default: 'legacy', which shows underscores. */
  readonly nameValidation?: NameValidation;
  /** Whether counters and histograms get exemplars: the ids of the active sampled span. Default: true. */
  readonly exemplars?: boolean;
}

/**
 * OpenTelemetry's MeterProvider without its SDK: instruments count in the shared directory as all metrics of this package do.
 */
export class MeterProvider implements ApiMeterProvider {
  readonly #families: MeterFamilies;
  readonly #meters = new Map<string, Meter>();
  readonly #hasScopeLabels: boolean;

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT for a view without a name pattern, or an unknown `nameValidation` */
  constructor(options: MeterProviderOptions = {}) {
    const { registry = register, views = [], nameValidation = 'legacy', resource = resourceOfEnvironment() } = options;
    assertNameValidation(nameValidation);
    this.#hasScopeLabels = options.scopeLabels !== false;
    this.#families = new MeterFamilies({
      registry,
      utf8: nameValidation === 'utf8',
      unitSuffixes: options.unitSuffixes !== false,
      exemplars: options.exemplars !== false,
      viewOf: viewFinder(views),
    });
    showResource(registry, isResource(resource) ? resource.attributes : resource);
  }

  getMeter(name: string, version?: string, options: MeterOptions = {}): ApiMeter {
    const { schemaUrl } = options;
    const scope = this.#hasScopeLabels ? scopeLabels(name, version, options) : new Map<string, string>();
    const key = JSON.stringify([name, version, schemaUrl, ...scope]);
    let meter = this.#meters.get(key);
    if (meter === undefined) this.#meters.set(key, (meter = new Meter(this.#families, name, scope)));
    return meter;
  }

  /** Counts are in the file at once: there is nothing to flush. */
  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

function scopeLabels(name: string, version: string | undefined, options: MeterOptions): ReadonlyMap<string, string> {
  const { schemaUrl, attributes = {} } = options as MeterOptions & { readonly attributes?: Attributes };
  const labels = labelsOf(attributes, (key) => labelName(`otel_scope_${key}`, false, []));
  const own = { otel_scope_name: name, otel_scope_version: version, otel_scope_schema_url: schemaUrl };
  for (const [label, value] of Object.entries(own)) if (value) labels.set(label, value);
  return labels;
}

/** A registry that has a `target_info` already keeps it. */
function showResource(registry: RegistryOfMetrics, attributes: Attributes): void {
  const labels = labelsOf(attributes, (key) => labelName(key, false, []));
  if (labels.size === 0 || registry.getSingleMetric('target') !== undefined) return;
  const info = new Info({ name: 'target', help: 'Target metadata', registers: [registry] });
  info.set(Object.fromEntries(labels));
}

function isResource(resource: object): resource is { readonly attributes: Attributes } {
  const { attributes } = resource as { readonly attributes?: unknown };
  return typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes);
}
