/**
 * Delimited io.prometheus.client.MetricFamily messages. Prometheus requests this format if native histograms or created
 * timestamps are enabled.
 *
 * The bytes of a series are laid out once, with a field of fixed width for everything that changes; a scrape overwrites the
 * values. Native histograms and exemplars have a variable length. A native histogram is moved when its buckets change; exemplars
 * are copied in between the other bytes. The lengths of the enclosing messages (which have a fixed width too) are then increased.
 */
import type { Exemplar } from '../model/metric-family.js';
import type { MetricKind } from '../model/metric-kind.js';
import { renderGrouped } from './render-grouped.js';
import type { CreatedPlace, ExpositionWriter, FamilyHead, Format, Heading, NamedFamily, Offer } from './format.js';
import { groupedHeadings } from './heading.js';
import { parseLabelText } from './labels.js';
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
import { NativeParts } from './native-parts.js';
import { DEFAULT_ESCAPING } from './name-escaping.js';
import { sharedCopy } from './shared-memory.js';
import { Splice } from './splice.js';
import { increase, lengthFieldBytes, WireBuffer, writeVarint } from './wire.js';

/**
 * Widths of counts in bytes. The first is enough for 268 million; if a count does not fit, everything is laid out again with
 * the next width.
 */
const COUNT_WIDTHS = [4, 5, 8] as const;
/** Numbers of the fields `metric` of MetricFamily and `label` of Metric. */
const METRIC = 4;
const LABEL = 1;
/** Room for moves: the sixteenth part of the bytes. */
const MOVED_ROOM = 4;
/** Bytes of the length before each MetricFamily: enough for 32 GiB. */
const DELIMITER_WIDTH = 5;

export function protobufFormat(name: string, offers: readonly Offer[]): Format {
  return {
    name,
    offers,
    showsCreated: true,
    headings,
    render: (families, { escaping = DEFAULT_ESCAPING } = {}) =>
      renderGrouped(families, escaping, headings, new ProtobufWriter()),
    newWriter: () => new ProtobufWriter(),
  };
}

/** Samples have the same names as in text 0.0.4. */
const headings = (families: readonly NamedFamily[]): Heading[] => groupedHeadings(families, ({ name }) => name);

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
  at: number;
  readonly series: number;
}

class ProtobufWriter implements ExpositionWriter {
  readonly #families: WrittenFamily[] = [];
  #valueCount = 0;
  #countWidth = 0;
  #placed: PlacedFamily[] = [];
  /** It has room for native histograms that become longer. */
  #memory: Buffer = Buffer.alloc(0);
  #bytes = this.#memory;
  /** The bytes while they are moved. */
  #moved: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#bytes.buffer);
  /** Per series, the offset of its message and of the part after its labels. */
  #seriesAt = new Int32Array(0);
  #valuesAt = new Int32Array(0);
  #shown = new Float64Array(0);
  readonly natives = new NativeParts();
  readonly #splice = new Splice();
  /** The bytes of exemplars. */
  readonly #exemplars = new WireBuffer();

  family(head: FamilyHead, heading: Heading, created: CreatedPlace): void {
    this.#families.push({ head, heading, showsCreated: created === 'within', labels: [] });
  }

  series(labels: string): void {
    const { head, showsCreated, labels: all } = this.#families[this.#families.length - 1];
    all.push(labels);
    this.#valueCount += head.lines.length + Number(showsCreated);
  }

  end(): void {
    this.#layOut(0);
  }

  leaveMemory(spare?: SharedArrayBuffer): void {
    if (this.#splice.size > 0) this.#splice.leaveMemory(spare);
    else this.#use(this.#bytes, spare, this.#memory.length);
  }

  render(values: Float64Array, exemplars: readonly (Exemplar | undefined)[]): Uint8Array {
    while (!this.#write(values)) {
      this.natives.detach();
      this.#layOut(this.#countWidth + 1);
    }
    if (this.natives.areMoving) this.#placeNatives();
    this.#insert(exemplars);
    return this.#splice.size === 0 ? this.#bytes : this.#splice.into(this.#bytes, DELIMITER_WIDTH);
  }

  #layOut(countWidth: number): void {
    this.#countWidth = countWidth;
    const series = this.#families.reduce((sum, { labels }) => sum + labels.length, 0);
    this.#seriesAt = new Int32Array(series);
    this.#valuesAt = new Int32Array(series);
    this.#shown = new Float64Array(this.#valueCount);
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
    this.#use(out.bytes.subarray(0, out.length));
  }

  /** Takes the bytes over, into other memory. */
  #use(bytes: Buffer, spare?: SharedArrayBuffer, room = bytes.length): void {
    this.#memory = sharedCopy(bytes, spare, room);
    this.#view = new DataView(this.#memory.buffer, this.#memory.byteOffset, this.#memory.length);
    this.#setLength(bytes.length);
  }

  #setLength(length: number): void {
    this.#bytes = this.natives.bytes = this.#memory.subarray(0, length);
  }

  /** Puts new bytes of native histograms in their places, and moves all that is behind them. */
  #placeNatives(): void {
    const from = this.#bytes;
    const length = from.length + this.natives.growth;
    if (this.#moved.length < length) this.#moved = Buffer.allocUnsafeSlow(length + (length >> MOVED_ROOM));
    const out = this.#moved.subarray(0, length);
    let copied = 0;
    let shift = 0;
    let [number, histogram] = [0, 0];
    for (const placed of this.#placed) {
      const { template, series } = placed;
      const familyShift = shift;
      placed.at += shift;
      const native = template.holes.get(NATIVE_HOLE);
      for (let each = 0; each < series; each++, number++) {
        const end = this.#valuesAt[number] + template.bytes.length;
        this.#seriesAt[number] += shift;
        this.#valuesAt[number] += shift;
        if (native === undefined) continue;
        const added = this.natives.place(histogram++, end + shift, (bytes, start, after, former) => {
          from.copy(out, copied + shift, copied, end);
          bytes.copy(out, end + shift, start, after);
          copied = end + former;
        });
        if (added === 0) continue;
        increase(out, this.#seriesAt[number] + 1, seriesLengthWidth(template), added);
        for (const { at, width } of native.lengths) increase(out, this.#valuesAt[number] + at, width, added);
        shift += added;
      }
      if (shift !== familyShift) increase(out, placed.at, DELIMITER_WIDTH, shift - familyShift);
    }
    from.copy(out, copied + shift, copied);
    if (length > this.#memory.length) this.#use(out, undefined, length + (length >> MOVED_ROOM));
    else out.copy(this.#memory);
    this.#setLength(length);
    this.natives.placed();
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

  /** Inserts exemplars. Those of native histograms are in their classic buckets too. */
  #insert(exemplars: readonly (Exemplar | undefined)[]): void {
    this.#splice.clear();
    this.#exemplars.length = 0;
    const traced: number[] = [];
    // forEach skips the holes of the array
    exemplars.forEach((exemplar, value) => {
      if (exemplar !== undefined) traced.push(value);
    });
    let next = 0;
    let value = 0;
    let number = 0;
    for (const placed of this.#placed) {
      const { template, series } = placed;
      const perSeries = template.places.length;
      const native = template.holes.get(NATIVE_HOLE);
      const end = value + series * perSeries;
      const insertLine = (each: number): void => {
        const line = traced[next] - value - each * perSeries;
        const hole = template.holes.get(line);
        const exemplar = exemplars[traced[next]]!;
        if (hole !== undefined) this.#insertExemplar(placed, number + each, hole, exemplarField(placed.kind, exemplar));
      };
      if (native === undefined) {
        for (; traced[next] < end; next++) insertLine(Math.floor((traced[next] - value) / perSeries));
      } else {
        for (let each = 0, after = value + perSeries; each < series; each++, after += perSeries) {
          const from = next;
          for (; traced[next] < after; next++) insertLine(each);
          for (let at = from; at < next; at++) {
            const exemplar = exemplars[traced[at]]!;
            if (exemplar.timestamp === undefined) continue;
            this.#insertExemplar(placed, number + each, native, nativeExemplarField(exemplar));
          }
        }
      }
      value = end;
      number += series;
    }
  }

  #insertExemplar(placed: PlacedFamily, series: number, hole: Hole, field: Uint8Array): void {
    const bytes = this.#exemplars;
    const start = bytes.length;
    bytes.append(field);
    this.#add(placed, series, hole, bytes, start, bytes.length);
  }

  #add({ at, template }: PlacedFamily, series: number, hole: Hole, from: WireBuffer, start: number, end: number): void {
    // a tag of one byte is before it
    const message = { at: this.#seriesAt[series] + 1, width: seriesLengthWidth(template) };
    this.#splice.add(series, this.#valuesAt[series], at, message, hole, { from, start, end });
  }
}

/** The label pairs of a text. They are measured before they are written, since a message begins with its length. */
function labelPairs(text: string): { readonly bytes: number; write(out: WireBuffer): void } {
  const pairs = Object.entries(parseLabelText(text)).map(([name, value]) => {
    const [nameBytes, valueBytes] = [Buffer.byteLength(name), Buffer.byteLength(value)];
    return { name, value, nameBytes, valueBytes, bytes: lengthFieldBytes(nameBytes) + lengthFieldBytes(valueBytes) };
  });
  return {
    bytes: pairs.reduce((sum, { bytes }) => sum + lengthFieldBytes(bytes), 0),
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
