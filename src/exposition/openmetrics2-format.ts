/**
 * OpenMetrics 2.0, which is not final: a scraper gets it where an option allows it and the request has its version. A series is
 * one line, with the start time behind its value; histograms and summaries have values of several fields:
 * `took_seconds{path="/"} {count:2,sum:1.5,bucket:[1:1,+Inf:2]} st@1700000000.123`. Names stay as the user gave them.
 */
import type { Exemplar } from '../model/metric-family.js';
import type { NativeReading } from '../model/native-histogram.js';
import type { Line } from '../model/metric-kind.js';
import { escapeHelp } from './escape.js';
import type { CreatedPlace, ExpositionWriter, FamilyHead, Format, Heading, NativeSink, Offer } from './format.js';
import { groupedFormat } from './grouped-format.js';
import { exemplarSuffix, quotedMetricName, samplePrefix } from './labels.js';
import { formatNumber } from './number.js';

export function openMetrics2Format(name: string, offers: readonly Offer[]): Format {
  return groupedFormat({ name, offers, isDraft: true }, () => new OpenMetrics2Writer());
}

interface WrittenFamily {
  readonly header: string;
  readonly heading: Heading;
  readonly lines: readonly Line[];
  /** Name of the field with the lines that have a label; undefined: the value is a number. */
  readonly parts: 'bucket' | 'quantile' | undefined;
  readonly isNative: boolean;
  readonly hasCreated: boolean;
  /** The text of each series before its value. */
  readonly prefixes: string[];
}

/** The field for the lines with a label, by the name of the label. */
const PARTS = { le: 'bucket', quantile: 'quantile' } as const;

class OpenMetrics2Writer implements ExpositionWriter {
  readonly natives = new NativeTexts();
  readonly #families: WrittenFamily[] = [];

  family(head: FamilyHead, heading: Heading, created: CreatedPlace): void {
    const { lineLabel } = head.kind;
    this.#families.push({
      // series of one family may have different lines
      header: this.#families.at(-1)?.heading.name === heading.name ? '' : headerOf(head, heading),
      heading,
      lines: head.lines,
      parts: lineLabel === undefined ? undefined : PARTS[lineLabel as keyof typeof PARTS],
      isNative: head.native === true,
      hasCreated: created === 'within',
      prefixes: [],
    });
  }

  series(labels: string): void {
    const { heading, prefixes } = this.#families.at(-1)!;
    prefixes.push(samplePrefix(heading.sampleName, labels));
  }

  end(): void {}

  render(values: Float64Array, exemplars: readonly (Exemplar | undefined)[]): Uint8Array {
    let text = '';
    let at = 0;
    let histogram = 0;
    for (const { header, lines, parts, isNative, hasCreated, prefixes } of this.#families) {
      text += header;
      for (const prefix of prefixes) {
        const native = isNative ? this.natives.texts[histogram++] : undefined;
        const value = parts === undefined ? formatNumber(values[at]) : composite(lines, parts, native, values, at);
        text += prefix + value;
        const end = at + lines.length;
        if (hasCreated && values[end] > 0) text += ` st@${values[end]}`;
        for (; at < end; at++) {
          const exemplar = exemplars[at];
          if (exemplar?.timestamp !== undefined) text += exemplarSuffix(exemplar);
        }
        if (hasCreated) at++;
        text += '\n';
      }
    }
    return Buffer.from(`${text}# EOF\n`);
  }
}

function composite(
  lines: readonly Line[],
  parts: 'bucket' | 'quantile',
  native: string | undefined,
  values: Float64Array,
  first: number,
): string {
  let [count, sum, inner, labelled] = ['', '', '', 0];
  lines.forEach(({ name, label }, line) => {
    const value = formatNumber(values[first + line]);
    if (label !== undefined) inner += `${labelled++ === 0 ? '' : ','}${label.value}:${value}`;
    else if (name.endsWith('_sum')) sum = value;
    else count = value;
  });
  const fields = `count:${count},sum:${sum}`;
  if (native === undefined) return `{${fields},${parts}:[${inner}]}`;
  // without bounds the one bucket adds nothing to the count
  return `{${fields},${native}${labelled > 1 ? `,${parts}:[${inner}]` : ''}}`;
}

/** The fields of native histograms as text. */
class NativeTexts implements NativeSink {
  readonly texts: string[] = [];

  begin(): void {
    this.texts.length = 0;
  }

  add({ schema, zeroThreshold, zeroCount, positive, negative }: NativeReading): void {
    const zero = `schema:${schema},zero_threshold:${zeroThreshold},zero_count:${zeroCount}`;
    this.texts.push(zero + bucketFields('negative', negative) + bucketFields('positive', positive));
  }
}

/** Buckets are absolute counts, unlike in protobuf. An empty bucket takes less than a span, so that gaps of one are filled. */
function bucketFields(sign: string, { bins, counts, length }: NativeReading['positive']): string {
  if (length === 0) return '';
  const spans: string[] = [];
  const buckets: number[] = [];
  let end = 0;
  for (let first = 0; first < length;) {
    let last = first;
    buckets.push(counts[first]);
    for (; last + 1 < length && bins[last + 1] - bins[last] <= 2; last++) {
      if (bins[last + 1] - bins[last] === 2) buckets.push(0);
      buckets.push(counts[last + 1]);
    }
    // Prometheus counts from 1
    const start = bins[first] + 1;
    const width = bins[last] - bins[first] + 1;
    spans.push(`${start - end}:${width}`);
    end = start + width;
    first = last + 1;
  }
  return `,${sign}_spans:[${spans.join()}],${sign}_buckets:[${buckets.join()}]`;
}

function headerOf({ help, unit = '' }: FamilyHead, { name, type }: Heading): string {
  const shown = quotedMetricName(name);
  const unitLine = unit === '' ? '' : `# UNIT ${shown} ${unit}\n`;
  return `# TYPE ${shown} ${type}\n${unitLine}# HELP ${shown} ${escapeHelp(help, true)}\n`;
}
