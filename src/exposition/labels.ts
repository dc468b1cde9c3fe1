/** Labels, and the parts of a sample line that stay the same from one scrape to the next. */
import type { Exemplar, Labels } from '../model/metric-family.js';
import { isLabelName, LABEL_NAME_PATTERN, validateMetricName } from '../model/naming.js';
import { escapeLabelValue } from './escape.js';
import { formatNumber } from './number.js';

/** Returns `code="200",method="GET"`: in the given order, without braces; '' for no labels. */
export function labelText(labels: Readonly<Labels>): string {
  let text = '';
  for (const name in labels) {
    if (text !== '') text += ',';
    text += `${quotedLabelName(name)}="${escapeLabelValue(labels[name])}"`;
  }
  return text;
}

/** Joins label texts with commas and leaves empty ones out. */
export function joinLabelTexts(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(',');
}

/**
 * Returns the part of a line before the value: `jobs_total{code="200"} `. A UTF-8 name is among the labels:
 * `{"jobs.total",code="200"} `.
 */
export function samplePrefix(name: string, text: string): string {
  if (!validateMetricName(name)) return `{${joinLabelTexts(quotedMetricName(name), text)}} `;
  return text === '' ? `${name} ` : `${name}{${text}} `;
}

/** Returns the part of an OpenMetrics line after the value: ` # {trace_id="4bf9"} 0.7 1700000000.123`. */
export function exemplarSuffix(exemplar: Exemplar): string {
  const { labels, value, timestamp } = exemplar;
  const time = timestamp === undefined || !Number.isFinite(timestamp) ? '' : ` ${timestamp}`;
  return ` # {${labelText(labels)}} ${formatNumber(value)}${time}`;
}

/** Puts a name that is not a legal label name in quotes. */
export function quotedLabelName(name: string): string {
  // an empty name is not allowed; prom-client does not check the names of default labels, nor do we check those in JSON
  return isLabelName(name) ? name : name === '' ? '_' : `"${escapeLabelValue(name)}"`;
}

export function quotedMetricName(name: string): string {
  return validateMetricName(name) ? name : `"${escapeLabelValue(name)}"`;
}

/** One label of a text that `labelText` returned: its name, with or without quotes, and its value, both escaped. */
const QUOTED = String.raw`"((?:[^"\\]|\\.)*)"`;
const LABEL = new RegExp(`(?:(${LABEL_NAME_PATTERN})|${QUOTED})=${QUOTED}`, 'gs');

/** Parses a text that `labelText` returned. It checks nothing, so give it no other text. */
export function parseLabelText(text: string): Labels {
  const labels: Labels = Object.create(null) as Labels;
  for (const [, name, quoted, value] of text.matchAll(LABEL)) labels[name ?? unescaped(quoted)] = unescaped(value);
  return labels;
}

/** Removes labels with an empty value: Prometheus treats them as absent. */
export function withoutEmptyLabels(text: string): string {
  if (!text.includes('=""')) return text;
  const labels = [...text.matchAll(LABEL)].filter(([, , , value]) => value !== '');
  return labels.map(([label]) => label).join(',');
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}
