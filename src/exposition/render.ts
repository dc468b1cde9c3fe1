/** Renders families as a whole text exposition. It does not change them. */
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { metricKind } from '../model/metric-kind.js';
import type { Heading, OutputRules } from './format.js';
import { createdHeader, familyHeader, headingsOf } from './heading.js';
import { exemplarSuffix, labelText, samplePrefix } from './labels.js';
import { canonicalNumber, formatNumber } from './number.js';
import { shownFamilies } from './shown-families.js';
import type { TextDialect } from './text-dialect.js';

/**
 * Renders families in the given order, in the layout of prom-client 15.1.3: in text 0.0.4 a blank line between families, and
 * a single newline for no families.
 */
export function renderText(families: readonly MetricFamily[], dialect: TextDialect, options: OutputRules = {}): string {
  const shown = shownFamilies(families, options.escaping);
  const headings = headingsOf(shown, dialect, options);
  const strict = options.strict === true && dialect.hasStrict;
  const blocks = shown.flatMap((family, at) =>
    headings[at].isShown ? renderFamily(family, headings[at], dialect, strict) : [],
  );
  return (blocks.join(dialect.separator) || dialect.separator) + dialect.end;
}

function renderFamily(family: MetricFamily, heading: Heading, dialect: TextDialect, strict: boolean): string {
  const { lineLabel } = metricKind(family.type);
  let lines = familyHeader(family, heading, dialect);
  let createdLines = '';
  for (const { name, labels, value, exemplar } of family.samples) {
    if (name === heading.createdName && heading.created !== 'within') {
      createdLines += `${samplePrefix(name, labelText(labels))}${formatNumber(value)}\n`;
      continue;
    }
    const shownName = name === family.name ? heading.sampleName : name;
    const shownLabels = labelText(strict ? withCanonicalBound(labels, lineLabel) : labels);
    const suffix = exemplar !== undefined && takesExemplar(name, heading) ? exemplarSuffix(exemplar) : '';
    lines += `${samplePrefix(shownName, shownLabels)}${formatNumber(value)}${suffix}\n`;
  }
  if (createdLines === '' || heading.created === 'nowhere') return lines;
  return lines + dialect.separator + createdHeader(family, heading, dialect) + createdLines;
}

/** OpenMetrics 1.0, 4.6 allows exemplars on the total of a counter and the buckets of a histogram. */
function takesExemplar(sampleName: string, heading: Heading): boolean {
  const suffix = metricKind(heading.type).exemplarSuffix;
  if (!heading.exemplars || suffix === undefined) return false;
  return sampleName !== heading.createdName && sampleName.endsWith(suffix);
}

function withCanonicalBound(labels: Readonly<Labels>, name: string | undefined): Readonly<Labels> {
  return name === undefined || labels[name] === undefined
    ? labels
    : { ...labels, [name]: canonicalNumber(labels[name]) };
}
