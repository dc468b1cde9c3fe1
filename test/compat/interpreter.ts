/**
 * Runs a random program on a stage. For deliberate differences (listed in differences.test.ts), prom-client is led around
 * the difference, or the results of both are made equal. Everything else must be the same.
 */
import * as promClient from 'prom-client';
import type { Config, Kind, Step } from './program.js';
import { REGISTRIES } from './program.js';
import type { Client, Stage } from './script.js';

const OPENMETRICS = promClient.openMetricsContentType as string;
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  text: promClient.prometheusContentType,
  openmetrics: OPENMETRICS,
};

type Method = (...args: unknown[]) => unknown;
/** A metric or a child, of any type. */
type Callable = Record<string, Method | undefined>;

interface Made {
  readonly kind: Kind;
  readonly metric: promClient.Metric;
  readonly config: Config;
}

export async function run(stage: Stage, steps: readonly Step[]): Promise<void> {
  const { client, record } = stage;
  const program = new Interpreter(stage);
  for (const step of steps) await program.take(step);
  for (const registry of program.registries) {
    record(await program.shown(registry));
    record(alike(await registry.getMetricsAsJSON()));
  }
  client.register.clear();
  client.register.setContentType(CONTENT_TYPES.text as never);
}

class Interpreter {
  readonly registries: promClient.Registry[];
  readonly #stage: Stage;
  readonly #client: Client;
  readonly #isTheirs: boolean;
  readonly #made: (Made | undefined)[] = [];
  readonly #held: ({ readonly child: Callable; readonly made: Made } | undefined)[] = [];

  constructor(stage: Stage) {
    this.#stage = stage;
    this.#client = stage.client;
    this.#isTheirs = stage.client.Counter === promClient.Counter;
    const { Registry, register } = stage.client;
    this.registries = [register, ...Array.from({ length: REGISTRIES - 1 }, () => new Registry())];
  }

  async take(step: Step): Promise<void> {
    if ('make' in step) return this.#make(step.make, step.as, step.config);
    if ('call' in step) return this.#call(this.#made[step.of], step.call, step.args);
    if ('hold' in step) return this.#hold(this.#made[step.of], step.hold, step.as);
    if ('callHeld' in step) {
      const held = this.#held[step.of];
      const method = held?.child[step.callHeld];
      if (method === undefined) return;
      return this.#attempt(() => void method.apply(held!.child, addable(held!.made.kind, copiesOf(step.args))));
    }
    if ('time' in step) return this.#time(step);
    if ('ask' in step) return this.#ask(this.registries[step.of], step.ask, step.args);
    if ('register' in step) {
      const made = this.#made[step.register];
      if (made !== undefined) await this.#attempt(() => this.registries[step.in].registerMetric(made.metric));
      return;
    }
    if ('merge' in step) {
      const chosen = step.merge.map((at) => this.registries[at]);
      return this.#attempt(() => this.shown(this.#client.Registry.merge(chosen)));
    }
    if ('aggregate' in step) return this.#attempt(() => this.#aggregate(step.aggregate));
    this.#stage.wait(step.wait);
  }

  /** Returns the exposition; undefined if OpenMetrics cannot show it and prom-client renders it wrongly. */
  async shown(registry: promClient.Registry): Promise<string | undefined> {
    const counters = registry.getMetricsAsArray().filter((metric) => metric instanceof this.#client.Counter);
    const names = counters.map(({ name }) => name);
    const isOpenMetrics = (registry.contentType as string) === OPENMETRICS;
    if (isOpenMetrics && !names.every((name) => name.endsWith('_total'))) return undefined;
    const text = await registry.metrics();
    // a difference: rendering OpenMetrics renames counters
    if (this.#isTheirs) counters.forEach((counter, at) => Object.assign(counter, { name: names[at] }));
    return alikeText(text);
  }

  async #make(kind: Kind, as: number, given: Config): Promise<void> {
    // a difference: exemplars need no OpenMetrics registry
    const shownIn = (given.registers ?? [0]).map((at) => this.registries[at]);
    const isText = shownIn.some(({ contentType }) => contentType === CONTENT_TYPES.text);
    const config = isText ? { ...given, enableExemplars: false } : given;
    const before = this.registries.map((registry) => registry.getMetricsAsArray());
    await this.#attempt(() => {
      const Metric = this.#client[kind] as new (config: unknown) => promClient.Metric;
      const metric = new Metric({
        ...config,
        ...(config.registers === undefined ? {} : { registers: config.registers.map((at) => this.registries[at]) }),
        ...(config.collect === undefined ? {} : { collect: collectOf(config.collect, takesExemplars(kind, config)) }),
      });
      this.#made[as] = { kind, metric, config };
      if (this.#isTheirs) undoDifferences(metric, kind);
    });
    // a difference: a metric whose constructor throws is not registered
    if (!this.#isTheirs) return;
    for (const [at, registry] of this.registries.entries()) {
      for (const metric of registry.getMetricsAsArray()) {
        const isWhole = before[at].includes(metric) || (metric as unknown) === this.#made[as]?.metric;
        if (!isWhole) registry.removeSingleMetric(metric.name);
      }
    }
  }

  async #call(made: Made | undefined, method: string, args: readonly unknown[]): Promise<void> {
    if (made === undefined || !isLike(made, method, args)) return;
    const metric = made.metric as unknown as Callable;
    const call = metric[method];
    if (call === undefined) return;
    if (method === 'labels') return this.#hold(made, args, 0);
    await this.#attempt(async () => {
      const answer = await call.apply(metric, addable(made.kind, copiesOf(args)));
      return method === 'get' ? alike([answer as promClient.MetricObject])[0] : undefined;
    });
  }

  async #hold(made: Made | undefined, args: readonly unknown[], as: number): Promise<void> {
    // a difference: exemplars work on held children
    if (made === undefined || takesExemplars(made.kind, made.config)) return;
    // a difference: labels() of a counter checks the labels
    if (made.kind === 'Counter' && typeof args[0] === 'object' && !declares(made, args[0])) return;
    await this.#attempt(() => {
      const child = (made.metric as unknown as { labels: Method }).labels(...copiesOf(args)) as Callable;
      this.#held[as] = { child, made };
    });
  }

  async #time({ time, held, labels, seconds, end }: Extract<Step, { time: number }>): Promise<void> {
    const metric = (held ? this.#held[time]?.child : this.#made[time]?.metric) as Callable | undefined;
    const start = metric?.startTimer;
    if (start === undefined) return;
    await this.#attempt(() => {
      const stop = start.apply(metric, held ? [] : [labels]) as Method;
      this.#stage.wait(seconds);
      return stop(end);
    });
  }

  async #ask(registry: promClient.Registry, call: string, args: readonly unknown[]): Promise<void> {
    const [arg] = copiesOf(args);
    if (call === 'metrics') return this.#attempt(() => this.shown(registry));
    if (call === 'getMetricsAsJSON') return this.#attempt(async () => alike(await registry.getMetricsAsJSON()));
    if (call === 'getMetricsAsArray') {
      return this.#attempt(() =>
        registry.getMetricsAsArray().map((metric) => {
          const { name, help, type, labelNames } = metric as unknown as Record<string, unknown>;
          return { name, help, type, labelNames };
        }),
      );
    }
    if (call === 'getSingleMetric') {
      return this.#attempt(() =>
        this.#made.findIndex((made) => made?.metric === registry.getSingleMetric(arg as string)),
      );
    }
    if (call === 'getSingleMetricAsString') {
      const metric = registry.getSingleMetric(arg as string);
      // differences: missing metrics, and a counter in OpenMetrics
      const isOpenMetrics = (registry.contentType as string) === OPENMETRICS;
      if (metric === undefined || (isOpenMetrics && metric instanceof this.#client.Counter)) return;
      return this.#attempt(async () => alikeText(await registry.getSingleMetricAsString(arg as string)));
    }
    const given = call === 'setContentType' ? (CONTENT_TYPES[arg as string] ?? arg) : arg;
    await this.#attempt(() => (registry as unknown as Record<string, Method>)[call](given));
  }

  async #aggregate(chosen: readonly number[]): Promise<string | undefined> {
    // one after the other, because of a difference: a collect() that is still running is not started again
    const objects: unknown[] = [];
    for (const at of chosen) objects.push(await this.registries[at].getMetricsAsJSON());
    return this.shown(this.#client.AggregatorRegistry.aggregate(objects as never));
  }

  async #attempt(call: () => unknown): Promise<void> {
    await this.#stage.attempt(async () => {
      try {
        return await call();
      } catch (error) {
        // differences: label values are strings in objects, and the caller's label object is not kept
        if (error instanceof Error) error.message = error.message.replace(/(valid number: ).*\{.*$/s, '$1{…}');
        throw error;
      }
    });
  }
}

/** Whether both packages should handle a call in the same way. */
function isLike(made: Made, method: string, args: readonly unknown[]): boolean {
  const { kind, config } = made;
  const [first] = args as [Record<string, unknown> | undefined];
  const isWrite = method === 'inc' || method === 'observe';
  const isExemplarCall = isObject(first) && ('exemplarLabels' in first || 'labels' in first || 'value' in first);
  if (isWrite && takesExemplars(kind, config)) return args.length === 1 && isExemplarCall && hasEveryLabel(first);
  return method !== 'zero' || config.labelNames?.includes('x') === true;
}

/** A difference: an exemplar without labels has no effect, and undefined labels are left out. */
function hasEveryLabel({ exemplarLabels }: Record<string, unknown>): boolean {
  const values = Object.values(exemplarLabels ?? { none: '' });
  return values.length > 0 && !values.includes(undefined);
}

function takesExemplars(kind: Kind, { enableExemplars }: Config): boolean {
  return enableExemplars === true && (kind === 'Counter' || kind === 'Histogram');
}

function declares({ config }: Made, labels: unknown): boolean {
  for (const name in labels as object) if (config.labelNames?.includes(name) !== true) return false;
  return true;
}

function collectOf(collect: NonNullable<Config['collect']>, asObservation: boolean): unknown {
  if (collect === 'no function') return collect;
  const { value, later } = collect;
  return function (this: Callable): unknown {
    const write = (): unknown => (this.set ?? this.observe ?? this.inc)?.call(this, asObservation ? { value } : value);
    return later ? Promise.resolve().then(write) : void write();
  };
}

/** Makes a metric of prom-client behave like ours where the difference is deliberate. */
function undoDifferences(metric: promClient.Metric, kind: Kind): void {
  const { get, reset } = metric as unknown as { get(): Promise<{ values: object[] }>; reset(): void };
  // reading objects does not write default labels into the metric
  const copied = async (): Promise<object> => {
    const object = await get.call(metric);
    return { ...object, values: object.values.map((value) => ({ ...value })) };
  };
  Object.assign(metric, { get: copied });
  if (kind !== 'Histogram') return;
  // a histogram without labels is still shown after reset()
  const { labelNames, zero } = metric as unknown as { labelNames: string[]; zero(labels: object): void };
  const shownAgain = (): void => {
    reset.call(metric);
    if (labelNames.length === 0) zero.call(metric, {});
  };
  Object.assign(metric, { reset: shownAgain });
}

/** A difference: a counter ignores NaN. */
function addable(kind: Kind, args: unknown[]): unknown[] {
  if (kind !== 'Counter') return args;
  return args.map((arg) => {
    if (isObject(arg) && Number.isNaN(arg.value)) return { ...arg, value: 0 };
    return Number.isNaN(arg) ? 0 : arg;
  });
}

/** Returns copies of arguments, which a call may keep and change. */
function copiesOf(args: readonly unknown[]): unknown[] {
  return args.map((arg) => {
    if (!isObject(arg)) return arg;
    return Array.isArray(arg)
      ? [...(arg as unknown[])]
      : Object.assign(Object.create(Object.getPrototypeOf(arg) as object) as object, arg);
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Removes the values of quantiles, which differ between a digest and a sketch, and exemplars that are null or undefined. */
function alike(objects: readonly promClient.MetricObject[]): unknown[] {
  return objects.map((object) => {
    const { values = [] } = object as unknown as { values?: { labels: object; value: number; exemplar?: unknown }[] };
    return {
      ...object,
      values: values.map(({ exemplar, value, ...rest }) => ({
        ...rest,
        exemplar: exemplar ?? undefined,
        // 0 and -0 are different values but are printed the same
        value: 'quantile' in rest.labels ? '…' : value === 0 ? 0 : value,
      })),
    };
  });
}

/** Sorts labels and removes the values of quantiles; NaN, quotation marks and the end are as in the specifications. */
function alikeText(text: string): string {
  const sorted = text.replaceAll(/\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\}/g, (_all, labels: string) => {
    const pairs = [...labels.matchAll(/\w+="(?:[^"\\]|\\.)*"/g)].map(([pair]) => pair);
    return `{${pairs.toSorted((a, b) => (a < b ? -1 : 1)).join(',')}}`;
  });
  return sorted
    .replaceAll(/^# HELP .*$/gm, (help) => help.replaceAll('\\"', '"'))
    .replaceAll(/ Nan$/gm, ' NaN')
    .replaceAll(/^(.*quantile=.*\}) .*$/gm, '$1 …')
    .replace(/^\n# EOF/, '# EOF');
}
