/** A whole exposition out of families. Rendering changes nothing in them. */
import type { MetricFamily, Sample } from '../model/metric-family.js';
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
  let lines = familyHeader(family, heading, format);
  let createdLines = '';
  for (const sample of family.samples) {
    if (sample.name === heading.createdName && heading.created !== 'within') createdLines += sampleLine(sample);
    else lines += sampleLine(sample, family, heading, strict);
  }
  if (createdLines === '' || heading.created === 'nowhere') return lines;
  return lines + FAMILY_SEPARATORS[format] + createdHeader(family, heading, format) + createdLines;
}

function sampleLine(sample: Sample, family?: MetricFamily, heading?: Heading, strict = false): string {
  const name = family !== undefined && sample.name === family.name ? heading!.sampleName : sample.name;
  const labels = strict ? withCanonicalBounds(sample) : sample.labels;
  const exemplar =
    sample.exemplar !== undefined && heading?.exemplars === true && takesExemplar(sample.name, heading)
      ? exemplarSuffix(sample.exemplar)
      : '';
  return `${samplePrefix(name, labelText(labels))}${formatNumber(sample.value)}${exemplar}\n`;
}

/** OpenMetrics 1.0, 4.6: the total of a counter and the buckets of a histogram. */
function takesExemplar(sampleName: string, heading: Heading): boolean {
  return heading.type === 'counter' ? sampleName !== heading.createdName : sampleName.endsWith('_bucket');
}

function withCanonicalBounds(sample: Sample): Sample['labels'] {
  const labels = { ...sample.labels };
  for (const name of ['le', 'quantile']) {
    const bound = labels[name];
    if (bound !== undefined && bound !== '' && Number.isFinite(Number(bound))) {
      labels[name] = formatCanonicalNumber(Number(bound));
    }
  }
  return labels;
}
