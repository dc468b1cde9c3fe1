/**
 * Delimited io.prometheus.client.MetricFamily messages. Prometheus requests this format if native histograms or created
 * timestamps are enabled.
 *
 * The bytes of a series are laid out once, with a field of fixed width for everything that changes; a scrape overwrites the
 * values. Only exemplars have a variable length. If there are any, the bytes between them are copied, and the lengths of the
 * enclosing messages (which have a fixed width too) are increased by the bytes of the exemplar.
 */
import type { Exemplar, MetricFamily } from '../model/metric-family.js';
import { createdName, type MetricKind, metricKind } from '../model/metric-kind.js';
import { type NativeHistogram, NativeReading } from '../model/native-histogram.js';
import { groupedSeries } from './grouped-series.js';
import type {
  CreatedPlace,
  ExpositionWriter,
  FamilyHead,
  Format,
  Heading,
  NativeSource,
  NamedFamily,
  Offer,
  OutputRules,
} from './format.js';
import { labelText, parseLabelText } from './labels.js';
import {
  Encoding,
  exemplarField,
  familyFields,
  type Hole,
  LABEL_PAIR,
  NATIVE_HOLE,
  nativeExemplarField,
  seriesTemplate,
  type Template,
  WIDE_LENGTH_WIDTH,
  writeTime,
} from './protobuf-message.js';
import { NativeFields } from './native-fields.js';
import { DEFAULT_ESCAPING, escapeFamilies } from './name-escaping.js';
import { readVarint, stringFieldBytes, WireBuffer, writeVarint } from './wire.js';

/**
 * Widths of counts in bytes. The first is enough for 268 million; if a count does not fit, everything is laid out again with
 * the next width.
 */
const COUNT_WIDTHS = [4, 5, 8] as const;
/** Numbers of the fields `metric` of MetricFamily and `label` of Metric. */
const METRIC = 4;
const LABEL = 1;
/** Bytes of the length before each MetricFamily: enough for 32 GiB. */
const DELIMITER_WIDTH = 5;

export function protobufFormat(name: string, offers: readonly Offer[]): Format {
  return { name, offers, showsCreated: true, headings, render, newWriter: () => new ProtobufWriter() };
}

/** Samples have the same names as in text 0.0.4. */
function headings(families: readonly NamedFamily[]): Heading[] {
  return families.map(({ name, type }) => {
    const { ownName, hasCreated, exemplarSuffix } = metricKind(type);
    return {
      name: ownName(name),
      type,
      sampleName: name,
      createdName: createdName(name, type),
      created: hasCreated ? 'within' : 'nowhere',
      exemplars: exemplarSuffix !== undefined,
      isShown: true,
    };
  });
}

function render(given: readonly MetricFamily[], { escaping = DEFAULT_ESCAPING }: OutputRules = {}): Uint8Array {
  const families = escapeFamilies(given, escaping);
  const writer = new ProtobufWriter();
  const values: number[] = [];
  const exemplars: Exemplar[] = [];
  const natives: NativeHistogram[] = [];
  headings(families).forEach((heading, at) => {
    const { name, help, unit, type } = families[at];
    const kind = metricKind(type);
    for (const { lines, series, isNative } of groupedSeries(families[at])) {
      const created = heading.created === 'within' && series.some((each) => each.created !== undefined);
      writer.family({ name, help, unit, kind, lines, native: isNative }, heading, created ? 'within' : 'nowhere');
      for (const { labels, values: own, exemplars: traced, created: createdAt, native } of series) {
        writer.series(labelText(labels));
        traced.forEach((exemplar, line) => {
          if (exemplar !== undefined) exemplars[values.length + line] = exemplar;
        });
        values.push(...own);
        if (native !== undefined) natives.push(native);
        if (created) values.push(createdAt ?? 0);
      }
    }
  });
  writer.end();
  if (natives.length === 0) return writer.render(Float64Array.from(values), exemplars);
  const reading = new NativeReading();
  let next = 0;
  return writer.render(Float64Array.from(values), exemplars, () => {
    reading.set(natives[next++]);
    return reading;
  });
}

interface WrittenFamily {
  readonly head: FamilyHead;
  readonly heading: Heading;
  readonly showsCreated: boolean;
  readonly labels: string[];
}

/** The place of a family in the bytes. */
interface PlacedFamily {
  readonly kind: MetricKind;
  readonly template: Template;
  /** Offset of the length before the family. */
  readonly at: number;
  readonly series: number;
}

/** Bytes to insert, and the places of the lengths that include them. */
interface Insertion {
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly lengths: readonly { readonly at: number; readonly width: number }[];
}

class ProtobufWriter implements ExpositionWriter {
  readonly #families: WrittenFamily[] = [];
  valueCount = 0;
  #countWidth = 0;
  #placed: PlacedFamily[] = [];
  #bytes = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer);
  /** Per series, the offset of its message and of the part after its labels. */
  #seriesAt = new Int32Array(0);
  #valuesAt = new Int32Array(0);
  #shown = new Float64Array(0);
  readonly #nativeFields = new NativeFields();

  family(head: FamilyHead, heading: Heading, created: CreatedPlace): void {
    this.#families.push({ head, heading, showsCreated: created === 'within', labels: [] });
  }

  series(labels: string): void {
    const { head, showsCreated, labels: all } = this.#families[this.#families.length - 1];
    all.push(labels);
    this.valueCount += head.lines.length + Number(showsCreated);
  }

  end(): void {
    this.#layOut(0);
  }

  render(values: Float64Array, exemplars: readonly (Exemplar | undefined)[], readNative?: NativeSource): Uint8Array {
    while (!this.#write(values)) this.#layOut(this.#countWidth + 1);
    const insertions = this.#insertions(exemplars);
    if (readNative !== undefined) this.#addNative(insertions, exemplars, readNative);
    return insertions.length === 0 ? this.#bytes : this.#withInserted(insertions);
  }

  #layOut(countWidth: number): void {
    this.#countWidth = countWidth;
    const series = this.#families.reduce((sum, { labels }) => sum + labels.length, 0);
    this.#seriesAt = new Int32Array(series);
    this.#valuesAt = new Int32Array(series);
    this.#shown = new Float64Array(this.valueCount);
    const out = new WireBuffer();
    let number = 0;
    this.#placed = this.#families.map(({ head, heading, showsCreated, labels }) => {
      const template = seriesTemplate(head, showsCreated, COUNT_WIDTHS[countWidth]);
      const start = out.length;
      out.append(new Uint8Array(DELIMITER_WIDTH));
      out.append(familyFields(heading.name, head));
      for (const text of labels) {
        const pairs = labelPairs(text);
        this.#seriesAt[number] = out.length;
        out.head(METRIC, pairs.bytes + template.bytes.length, seriesLengthWidth(template));
        pairs.write(out);
        this.#valuesAt[number++] = out.length;
        out.append(template.bytes);
      }
      writeVarint(out.bytes, start, out.length - start - DELIMITER_WIDTH, DELIMITER_WIDTH);
      return { kind: head.kind, template, at: start, series: labels.length };
    });
    this.#bytes = out.bytes.subarray(0, out.length);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.length);
  }

  /** Writes the values that changed. Returns false if a count does not fit in its field. */
  #write(values: Float64Array): boolean {
    const bytes = this.#bytes;
    const view = this.#view;
    const shown = this.#shown;
    const valuesAt = this.#valuesAt;
    const width = COUNT_WIDTHS[this.#countWidth];
    const limit = this.#countWidth === COUNT_WIDTHS.length - 1 ? Infinity : 0x80 ** width;
    let value = 0;
    let number = 0;
    for (const { template, series } of this.#placed) {
      const { places, encodings } = template;
      const perSeries = places.length;
      for (let each = 0; each < series; each++) {
        const base = valuesAt[number++];
        for (let place = 0; place < perSeries; place++, value++) {
          const now = values[value];
          if (now === shown[value] || (now !== now && shown[value] !== shown[value])) continue;
          const at = base + places[place];
          const encoding = encodings[place];
          if (encoding === Encoding.Double) view.setFloat64(at, now, true);
          else if (encoding === Encoding.Count) {
            if (now >= limit) return false;
            writeVarint(bytes, at, wholeCount(now), width);
          } else if (encoding === Encoding.Time) writeTime(bytes, at, now);
          shown[value] = now;
        }
      }
    }
    return true;
  }

  #insertions(exemplars: readonly (Exemplar | undefined)[]): Insertion[] {
    const insertions: Insertion[] = [];
    let family = 0;
    let firstValue = 0;
    let firstSeries = 0;
    exemplars.forEach((exemplar, value) => {
      if (exemplar === undefined) return;
      let placed = this.#placed[family];
      while (value >= firstValue + placed.series * placed.template.places.length) {
        firstValue += placed.series * placed.template.places.length;
        firstSeries += placed.series;
        placed = this.#placed[++family];
      }
      const { kind, template } = placed;
      const perSeries = template.places.length;
      const hole = template.holes.get((value - firstValue) % perSeries);
      if (hole === undefined) return;
      const series = firstSeries + Math.floor((value - firstValue) / perSeries);
      const place = this.#insertionAt(placed.at, series, template, hole);
      insertions.push({ ...place, bytes: exemplarField(kind, exemplar) });
    });
    return insertions;
  }

  /** Native histograms, each with the exemplars of its series. */
  #addNative(insertions: Insertion[], exemplars: readonly (Exemplar | undefined)[], readNative: NativeSource): void {
    const fields = this.#nativeFields;
    fields.clear();
    const added: { readonly insertion: Omit<Insertion, 'bytes'>; readonly from: number; readonly to: number }[] = [];
    let value = 0;
    let number = 0;
    for (const { at, template, series } of this.#placed) {
      const hole = template.holes.get(NATIVE_HOLE);
      const perSeries = template.places.length;
      for (let each = 0; each < series; each++, number++, value += perSeries) {
        if (hole === undefined) continue;
        const from = fields.length;
        fields.add(readNative());
        for (let line = value; line < value + perSeries; line++) {
          const exemplar = exemplars[line];
          if (exemplar?.timestamp !== undefined) fields.append(nativeExemplarField(exemplar));
        }
        added.push({ insertion: this.#insertionAt(at, number, template, hole), from, to: fields.length });
      }
    }
    for (const { insertion, from, to } of added) insertions.push({ ...insertion, bytes: fields.bytes(from, to) });
    insertions.sort((a, b) => a.at - b.at);
  }

  /** The place of a hole of one series. */
  #insertionAt(family: number, series: number, template: Template, hole: Hole): Omit<Insertion, 'bytes'> {
    const base = this.#valuesAt[series];
    return {
      at: base + hole.at,
      lengths: [
        { at: family, width: DELIMITER_WIDTH },
        // a tag of one byte is before it
        { at: this.#seriesAt[series] + 1, width: seriesLengthWidth(template) },
        ...hole.lengths.map(({ at, width }) => ({ at: base + at, width })),
      ],
    };
  }

  #withInserted(insertions: readonly Insertion[]): Uint8Array {
    const from = this.#bytes;
    const adjust = (sign: 1 | -1): void => {
      for (const { bytes, lengths } of insertions) {
        for (const { at, width } of lengths) writeVarint(from, at, readVarint(from, at) + sign * bytes.length, width);
      }
    };
    adjust(1);
    const more = insertions.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const into = Buffer.allocUnsafeSlow(from.length + more);
    let copied = 0;
    let to = 0;
    for (const { at, bytes } of insertions) {
      to += from.copy(into, to, copied, at);
      into.set(bytes, to);
      to += bytes.length;
      copied = at;
    }
    from.copy(into, to, copied);
    adjust(-1);
    return into;
  }
}

/** The label pairs of a text. They are measured before they are written, since a message begins with its length. */
function labelPairs(text: string): { readonly bytes: number; write(out: WireBuffer): void } {
  const pairs = Object.entries(parseLabelText(text)).map(([name, value]) => {
    const [nameBytes, valueBytes] = [Buffer.byteLength(name), Buffer.byteLength(value)];
    return { name, value, nameBytes, valueBytes, bytes: stringFieldBytes(nameBytes) + stringFieldBytes(valueBytes) };
  });
  return {
    bytes: pairs.reduce((sum, { bytes }) => sum + stringFieldBytes(bytes), 0),
    write(out) {
      for (const { name, value, nameBytes, valueBytes, bytes } of pairs) {
        out.head(LABEL, bytes);
        out.string(LABEL_PAIR.name, name, nameBytes);
        out.string(LABEL_PAIR.value, value, valueBytes);
      }
    },
  };
}

/** The width of a series' length is fixed if exemplars may change the length. */
function seriesLengthWidth({ holes }: Template): number {
  return holes.size > 0 ? WIDE_LENGTH_WIDTH : 0;
}

/** Our own counts are integers; counts of other libraries may be any number. */
function wholeCount(value: number): number {
  return value > 0 ? Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER) : 0;
}
