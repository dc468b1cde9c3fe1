/** A whole exposition out of families. Rendering changes nothing in them. */
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { ENDS, type ExpositionFormat, FAMILY_SEPARATORS } from './format.js';
import { createdHeader, familyHeader, type Heading, type HeadingOptions, headingsOf } from './heading.js';
import { exemplarSuffix, labelText, samplePrefix } from './labels.js';
import { formatCanonicalNumber, formatNumber } from './number.js';

/**
 * The exposition of families in the given order, laid out as prom-client 15.1.3 does: in text 0.0.4 a blank line between
 * families and, where there are none, one newline.
 */
export function renderFamilies(
  families: readonly MetricFamily[],
  format: ExpositionFormat,
  options: HeadingOptions = {},
): string {
  const headings = headingsOf(families, format, options);
  const strict = options.strict === true && format === 'openmetrics';
  const blocks = families.map((family, at) => renderFamily(family, headings[at], format, strict));
  return (blocks.join(FAMILY_SEPARATORS[format]) || FAMILY_SEPARATORS[format]) + ENDS[format];
}

function renderFamily(family: MetricFamily, heading: Heading, format: ExpositionFormat, strict: boolean): string {
  const canonical = strict && (family.type === 'histogram' || family.type === 'summary');
  let lines = familyHeader(family, heading, format);
  let createdLines = '';
  for (const { name, labels, value, exemplar } of family.samples) {
    if (name === heading.createdName && heading.created !== 'within') {
      createdLines += `${samplePrefix(name, labelText(labels))}${formatNumber(value)}\n`;
      continue;
    }
    const shownName = name === family.name ? heading.sampleName : name;
    const shownLabels = labelText(canonical ? withCanonicalBounds(labels) : labels);
    const suffix = exemplar !== undefined && takesExemplar(name, heading) ? exemplarSuffix(exemplar) : '';
    lines += `${samplePrefix(shownName, shownLabels)}${formatNumber(value)}${suffix}\n`;
  }
  if (createdLines === '' || heading.created === 'nowhere') return lines;
  return lines + FAMILY_SEPARATORS[format] + createdHeader(family, heading, format) + createdLines;
}

/** OpenMetrics 1.0, 4.6: the total of a counter and the buckets of a histogram. */
function takesExemplar(sampleName: string, heading: Heading): boolean {
  if (!heading.exemplars) return false;
  return heading.type === 'counter' ? sampleName !== heading.createdName : sampleName.endsWith('_bucket');
}

function withCanonicalBounds(labels: Readonly<Labels>): Labels {
  const copy: Labels = { ...labels };
  for (const name of ['le', 'quantile']) {
    const bound = Number(copy[name] || NaN);
    if (Number.isFinite(bound)) copy[name] = formatCanonicalNumber(bound);
  }
  return copy;
}
