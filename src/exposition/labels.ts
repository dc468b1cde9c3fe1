/** Labels and the parts of a sample line that change from one scrape to the next in nothing. */
import type { Exemplar, Labels } from '../model/metric-family.js';
import { isLabelName } from '../model/naming.js';
import { escapeLabelValue } from './escape.js';
import { formatNumber } from './number.js';

/** `code="200",method="GET"`: in the given order, without braces; '' where there are none. */
export function labelText(labels: Readonly<Labels>): string {
  let text = '';
  for (const name in labels) {
    if (text !== '') text += ',';
    text += `${labelName(name)}="${escapeLabelValue(labels[name])}"`;
  }
  return text;
}

/** Label texts side by side, the empty ones left out. */
export function joinLabelTexts(...texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join(',');
}

/** What stands before the value: `jobs_total{code="200"} `. */
export function samplePrefix(name: string, text: string): string {
  return text === '' ? `${name} ` : `${name}{${text}} `;
}

/** What stands between the value and the newline: ` # {trace_id="4bf9"} 0.7 1700000000.123`. OpenMetrics only. */
export function exemplarSuffix(exemplar: Exemplar): string {
  const { labels, value, timestamp } = exemplar;
  const time = timestamp === undefined || !Number.isFinite(timestamp) ? '' : ` ${timestamp}`;
  return ` # {${labelText(labels)}} ${formatNumber(value)}${time}`;
}

/** A name that breaks the rule (prom-client checks those of default labels no more than those of JSON) cannot break a line. */
function labelName(name: string): string {
  return isLabelName(name) ? name : name.replaceAll(/[^a-zA-Z0-9_]/g, '_').replace(/^(?=\d|$)/, '_');
}

/** The labels that `labelText` printed; of a text of ours only, for nothing is checked. */
export function parseLabelText(text: string): Labels {
  const labels: Labels = Object.create(null);
  for (const [, name, value] of text.matchAll(/([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/gs)) {
    labels[name] = value.replaceAll(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}
