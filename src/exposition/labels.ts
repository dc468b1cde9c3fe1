/** Labels and the parts of a sample line that change from one scrape to the next in nothing. */
import type { Exemplar, Labels } from '../model/metric-family.js';
import { isLabelName, validateMetricName } from '../model/naming.js';
import { escapeLabelValue } from './escape.js';
import { formatNumber } from './number.js';

/** `code="200",method="GET"`: in the given order, without braces; '' where there are none. */
export function labelText(labels: Readonly<Labels>): string {
  let text = '';
  for (const name in labels) {
    if (text !== '') text += ',';
    text += `${quotedLabelName(name)}="${escapeLabelValue(labels[name])}"`;
  }
  return text;
}

/** Label texts side by side, the empty ones left out. */
export function joinLabelTexts(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(',');
}

/** What stands before the value: `jobs_total{code="200"} `. A UTF-8 name stands among the labels: `{"jobs.total",code="200"} `. */
export function samplePrefix(name: string, text: string): string {
  if (!validateMetricName(name)) return `{${joinLabelTexts(quotedMetricName(name), text)}} `;
  return text === '' ? `${name} ` : `${name}{${text}} `;
}

/** What stands between the value and the newline: ` # {trace_id="4bf9"} 0.7 1700000000.123`. OpenMetrics only. */
export function exemplarSuffix(exemplar: Exemplar): string {
  const { labels, value, timestamp } = exemplar;
  const time = timestamp === undefined || !Number.isFinite(timestamp) ? '' : ` ${timestamp}`;
  return ` # {${labelText(labels)}} ${formatNumber(value)}${time}`;
}

/** In quotes, as a label's value is, where it is no name without them. */
export function quotedLabelName(name: string): string {
  // no label may be called nothing; prom-client checks the names of default labels no more than those of JSON
  return isLabelName(name) ? name : name === '' ? '_' : `"${escapeLabelValue(name)}"`;
}

export function quotedMetricName(name: string): string {
  return validateMetricName(name) ? name : `"${escapeLabelValue(name)}"`;
}

/** One label of a text that `labelText` printed: a name, or one in quotes, and the value, both as they are escaped. */
const LABEL = /(?:([a-zA-Z_][a-zA-Z0-9_]*)|"((?:[^"\\]|\\.)*)")="((?:[^"\\]|\\.)*)"/gs;

/** The labels that `labelText` printed; of a text of ours only, for nothing is checked. */
export function parseLabelText(text: string): Labels {
  const labels: Labels = Object.create(null) as Labels;
  for (const [, name, quoted, value] of text.matchAll(LABEL)) labels[name ?? unescaped(quoted)] = unescaped(value);
  return labels;
}

/** To Prometheus a label without a value is no label. */
export function withoutEmptyLabels(text: string): string {
  if (!text.includes('=""')) return text;
  const labels = [...text.matchAll(LABEL)].filter(([, , , value]) => value !== '');
  return labels.map(([label]) => label).join(',');
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}
