import type { MetricOptions } from '@opentelemetry/api';
import type { Child } from '../instruments/child.js';
import { OPEN_LABELS, type RegistryOfMetrics } from '../instruments/configuration.js';
import { describeError } from '../errors.js';
import { gaugeMode, type MultiprocessMode } from '../model/gauge-mode.js';
import { warnOnce } from '../warn-once.js';
import { AttributeIndex } from './attribute-index.js';
import { labelName, metricName, type NameRules, type ShownName } from './metric-name.js';
import { ObservableCallbacks } from './observable-callbacks.js';
import { OpenCounter, OpenGauge, OpenHistogram, OpenSeries } from './open-series.js';
import type { Bound } from './sync-instruments.js';
import type { View, ViewFinder } from './view.js';

export type InstrumentKind = 'counter' | 'upDownCounter' | 'gauge' | 'histogram';

/** The type of a metric, and the mode of gauges that are merged: those of an up-down counter are parts of one number. */
const KINDS: Readonly<Record<InstrumentKind, { readonly type: string; readonly mode?: MultiprocessMode }>> = {
  counter: { type: 'counter' },
  upDownCounter: { type: 'gauge', mode: 'livesum' },
  gauge: { type: 'gauge', mode: 'liveall' },
  histogram: { type: 'histogram' },
};

/** The specification's default boundaries of histograms. */
const DEFAULT_BOUNDARIES = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000];

interface Family {
  readonly open: OpenSeries<any>;
  /** Type, mode and buckets: instruments that differ in it cannot count in the same metric. */
  readonly shape: string;
  readonly reserved: readonly string[];
}

export interface FamilySettings extends NameRules {
  readonly registry: RegistryOfMetrics;
  readonly exemplars: boolean;
  readonly viewOf: ViewFinder;
}

/** The metrics of a provider, by their names in Prometheus: instruments of several meters may count in one. */
export class MeterFamilies {
  readonly callbacks = new ObservableCallbacks();
  readonly #families = new Map<string, Family>();
  readonly #settings: FamilySettings;

  constructor(settings: FamilySettings) {
    this.#settings = settings;
  }

  /** Returns what an instrument counts in; undefined where a view drops it, or its name is that of another metric. */
  bind(
    kind: InstrumentKind,
    instrument: string,
    options: MetricOptions,
    meter: { readonly name: string; readonly labels: ReadonlyMap<string, string> },
  ): Bound<Child> | undefined {
    const { viewOf, utf8 } = this.#settings;
    if (typeof instrument !== 'string' || instrument === '' || typeof (options.unit ?? '') !== 'string') {
      warnOnce(
        'instrument without name',
        `an instrument of the meter ${meter.name} has no name, or a unit that is no text, and counts nothing`,
      );
      return undefined;
    }
    const view = viewOf(instrument, meter.name);
    if (view.drop === true) return undefined;
    const { type } = KINDS[kind];
    const shown = metricName(view.name ?? instrument, options.unit ?? '', type, this.#settings);
    const family = this.#familyOf(kind, shown, options, view);
    if (family === undefined) return undefined;
    const nameOf = (key: string): string => labelName(key, utf8, family.reserved);
    const attributes = new AttributeIndex(family.open, nameOf, meter.labels, view.attributeKeys);
    // 0 is ValueType.INT, which is not loaded for that
    const isInteger = Number(options.valueType) === 0;
    return { series: family.open, attributes, isInteger };
  }

  #familyOf(kind: InstrumentKind, shown: ShownName, options: MetricOptions, view: View): Family | undefined {
    const { type, mode } = KINDS[kind];
    const merged = view.gaugeMode ?? mode;
    const buckets = type === 'histogram' ? boundariesOf(options, view) : undefined;
    const shape = JSON.stringify([type, type === 'gauge' ? merged : undefined, buckets, view.nativeBucketFactor]);
    const known = this.#families.get(shown.name);
    if (known !== undefined) {
      if (known.shape === shape) return known;
      warnOnce(
        `instrument ${shown.name}`,
        `a second instrument with the name ${shown.name} in Prometheus is of another kind (${shape} beside ${known.shape}): it counts nothing; rename one of them, by a view if they are not yours`,
      );
      return undefined;
    }
    try {
      const open = this.#create(type, shown, options, view, merged, buckets);
      const reserved = type === 'histogram' ? ['le'] : gaugeMode(merged).perProcess ? ['pid'] : [];
      const family = { open, shape, reserved };
      this.#families.set(shown.name, family);
      return family;
    } catch (error) {
      warnOnce(`instrument ${shown.name}`, `the instrument ${shown.name} counts nothing: ${describeError(error)}`);
      return undefined;
    }
  }

  #create(
    type: string,
    { name, unit }: ShownName,
    options: MetricOptions,
    view: View,
    multiprocessMode: MultiprocessMode | undefined,
    buckets: readonly number[] | undefined,
  ): OpenSeries<any> {
    const { registry, utf8, exemplars } = this.#settings;
    const config = {
      name,
      help: view.description || options.description || `OpenTelemetry ${type}`,
      unit,
      maxSeries: view.maxSeries,
      registers: [registry],
      nameValidation: utf8 ? ('utf8' as const) : ('legacy' as const),
      [OPEN_LABELS]: true,
    };
    const traced = { ...config, enableExemplars: exemplars && ('trace' as const) };
    if (type === 'counter') return new OpenSeries(new OpenCounter(traced));
    if (type === 'gauge') return new OpenSeries(new OpenGauge({ ...config, multiprocessMode }));
    const native = view.nativeBucketFactor;
    return new OpenSeries(new OpenHistogram({ ...traced, buckets, nativeHistogramBucketFactor: native }));
  }
}

function boundariesOf({ advice }: MetricOptions, view: View): readonly number[] {
  if (view.boundaries !== undefined) return view.boundaries;
  if (view.nativeBucketFactor !== undefined) return [];
  return advice?.explicitBucketBoundaries ?? DEFAULT_BOUNDARIES;
}
