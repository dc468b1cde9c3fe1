/**
 * What a family is called in a format's HELP and TYPE lines. The names of samples are the same in both formats, for
 * Prometheus negotiates OpenMetrics first and a renamed `jobs_done` would be another series; so the headings give way.
 *
 * | type                   | text 0.0.4               | OpenMetrics              |
 * |------------------------|--------------------------|--------------------------|
 * | counter `jobs_total`   | `jobs_total` counter     | `jobs` counter           |
 * | counter `jobs_done`    | `jobs_done` counter      | `jobs_done` unknown      |
 * | Info `build`           | `build_info` gauge       | `build` info             |
 * | StateSet `health`      | `health` gauge           | `health` stateset        |
 * | unknown `x`            | `x` untyped              | `x` unknown              |
 *
 * A name in the right column that another family has already gives way too: `jobs_total` is `unknown` beside a gauge
 * `jobs`, for OpenMetrics allows each family name once.
 */
import type { MetricFamily } from '../model/metric-family.js';
import { createdName, metricKind } from '../model/metric-kind.js';
import { endsWithUnit } from '../model/naming.js';
import { escapeHelp } from './escape.js';
import type { ExpositionFormat } from './format.js';

type NamedFamily = Pick<MetricFamily, 'name' | 'type'>;

export interface Heading {
  /** In HELP, TYPE and UNIT. */
  readonly name: string;
  /** As the format spells it. */
  readonly type: string;
  /** Of a counter's samples: the name that the user gave, unless strict OpenMetrics changes it. */
  readonly sampleName: string;
  readonly createdName: string;
  /** Where `_created` samples go: with the family's, into a family of their own, or nowhere, their name being taken. */
  readonly created: 'within' | 'apart' | 'nowhere';
  /** Whether samples may carry exemplars. */
  readonly exemplars: boolean;
}

export interface HeadingOptions {
  /** OpenMetrics as other libraries write it: every counter's samples end in `_total`; `le` and `quantile` are floats. */
  readonly strict?: boolean;
}

/** The headings of all families of one exposition, in their order. */
export function headingsOf(
  families: readonly NamedFamily[],
  format: ExpositionFormat,
  options: HeadingOptions = {},
): Heading[] {
  const taken = new Set(families.map(ownName));
  const take = (name: string): boolean => !taken.has(name) && taken.add(name) !== undefined;
  const strict = options.strict === true;
  return families.map((family) => {
    const named = format === 'text' ? textHeading(family) : openMetricsHeading(family, strict, take);
    const created = createdName(family.name, family.type);
    const within = format === 'openmetrics' && metricKind(named.type).hasCreated;
    return {
      sampleName: family.name,
      ...named,
      createdName: created,
      created: !metricKind(family.type).hasCreated || !take(created) ? 'nowhere' : within ? 'within' : 'apart',
      exemplars: format === 'openmetrics' && metricKind(named.type).exemplarSuffix !== undefined,
    };
  });
}

/** The HELP, TYPE and UNIT lines. */
export function familyHeader(
  family: Pick<MetricFamily, 'help' | 'unit'>,
  heading: Heading,
  format: ExpositionFormat,
): string {
  const { name, type } = heading;
  const lines = headerLines(name, type, family.help, format);
  const { unit } = family;
  const hasUnit =
    format === 'openmetrics' &&
    unit !== undefined &&
    unit !== '' &&
    metricKind(type).hasUnit &&
    endsWithUnit(name, unit);
  return hasUnit ? `${lines}# UNIT ${name} ${unit}\n` : lines;
}

/** The HELP and TYPE lines of `_created` samples that stand apart. */
export function createdHeader(family: Pick<MetricFamily, 'help'>, heading: Heading, format: ExpositionFormat): string {
  return headerLines(heading.createdName, 'gauge', family.help, format);
}

function headerLines(name: string, type: string, help: string, format: ExpositionFormat): string {
  return `# HELP ${name} ${escapeHelp(help, format)}\n# TYPE ${name} ${type}\n`;
}

function ownName({ name, type }: NamedFamily): string {
  return metricKind(type).ownName(name);
}

function textHeading(family: NamedFamily): Pick<Heading, 'name' | 'type'> {
  return { name: ownName(family), type: metricKind(family.type).textType ?? family.type };
}

function openMetricsHeading(
  family: NamedFamily,
  strict: boolean,
  take: (name: string) => boolean,
): Pick<Heading, 'name' | 'type'> & { sampleName?: string } {
  const { name, type } = family;
  const { openMetrics } = metricKind(type);
  if (openMetrics === undefined) return { name, type };
  const { baseName, suffix, otherwise } = openMetrics;
  const base = baseName(name);
  if (base !== undefined && take(base)) return { name: base, type };
  if (base === undefined && strict && take(name + suffix)) return { name, type, sampleName: name + suffix };
  return { name: ownName(family), type: otherwise };
}
