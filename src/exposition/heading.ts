/**
 * The name and type of a family in the HELP and TYPE lines of a text format. Sample names must be the same in all formats:
 * Prometheus negotiates OpenMetrics first, and a renamed `jobs_done` would be a new series. So where the rules of a format
 * and a sample name conflict, the heading changes.
 * | type                   | text 0.0.4               | OpenMetrics              |
 * |------------------------|--------------------------|--------------------------|
 * | counter `jobs_total`   | `jobs_total` counter     | `jobs` counter           |
 * | counter `jobs_done`    | `jobs_done` counter      | `jobs_done` unknown      |
 * | Info `build`           | `build_info` gauge       | `build` info             |
 * | StateSet `health`      | `health` gauge           | `health` stateset        |
 * | unknown `x`            | `x` untyped              | `x` unknown              |
 *
 * The heading also changes if another family already has the name in the right column. A counter `jobs_total` is `unknown`
 * beside a gauge `jobs`, since OpenMetrics allows each family name once, and beside a gauge `jobs_created`, since
 * OpenMetrics reserves that name for the counter `jobs`. A family is left out where no heading resolves the conflict
 * (`model/name-clash.ts`).
 */
import type { MetricFamily } from '../model/metric-family.js';
import { createdName, metricKind } from '../model/metric-kind.js';
import { createdClashes, keptNames, occupiedNames } from '../model/name-clash.js';
import { endsWithUnit } from '../model/naming.js';
import { escapeHelp } from './escape.js';
import { quotedMetricName } from './labels.js';
import type { CreatedPlace, Heading, NamedFamily, OutputRules } from './format.js';
import type { TextDialect } from './text-dialect.js';

export function headingsOf(
  families: readonly NamedFamily[],
  dialect: TextDialect,
  options: OutputRules = {},
): Heading[] {
  const kept = dialect.hasCreated ? families.flatMap(keptNames) : [];
  const taken = new Set([...families.flatMap((family) => [...occupiedNames(family)]), ...kept]);
  const take = (...names: readonly string[]): boolean => {
    if (names.some((name) => taken.has(name))) return false;
    for (const name of names) taken.add(name);
    return true;
  };
  const clashes = dialect.hasCreated ? createdClashes(families) : [];
  const hidden = new Set(clashes.map((clash) => clash.hidden));
  return families.map((family) => {
    const named = dialect.nameOf(family, options.strict === true, take);
    const kind = metricKind(named.type);
    const created = createdName(family.name, family.type);
    return {
      sampleName: family.name,
      ...named,
      createdName: created,
      created: createdPlace(family, dialect.hasCreated && kind.hasCreated, () => take(created)),
      exemplars: dialect.hasExemplars && kind.exemplarSuffix !== undefined,
      isShown: !hidden.has(family.name),
    };
  });
}

/** @param isReserved whether the heading of the family reserves the name */
function createdPlace({ type }: NamedFamily, isReserved: boolean, take: () => boolean): CreatedPlace {
  if (!metricKind(type).hasCreated) return 'nowhere';
  if (isReserved) return 'within';
  return take() ? 'apart' : 'nowhere';
}

/** Returns the HELP, TYPE and UNIT lines. */
export function familyHeader(
  { help, unit = '' }: Pick<MetricFamily, 'help' | 'unit'>,
  { name, type }: Heading,
  dialect: TextDialect,
): string {
  const lines = headerLines(name, type, help, dialect);
  const hasUnit = dialect.hasUnits && unit !== '' && metricKind(type).hasUnit && endsWithUnit(name, unit);
  return hasUnit ? `${lines}# UNIT ${quotedMetricName(name)} ${unit}\n` : lines;
}

/** Returns the HELP and TYPE lines of `_created` samples that are written apart. */
export function createdHeader(family: Pick<MetricFamily, 'help'>, heading: Heading, dialect: TextDialect): string {
  return headerLines(heading.createdName, 'gauge', family.help, dialect);
}

function headerLines(name: string, type: string, help: string, { quotesHelp }: TextDialect): string {
  const shown = quotedMetricName(name);
  return `# HELP ${shown} ${escapeHelp(help, quotesHelp)}\n# TYPE ${shown} ${type}\n`;
}
