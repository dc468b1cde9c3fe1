/**
 * Delimited io.prometheus.client.MetricFamily messages. Prometheus requests this format if native histograms or created
 * timestamps are enabled.
 *
 * The bytes of a series are laid out once, with a field of fixed width for everything that changes; a scrape overwrites the
 * values. Native histograms and exemplars have a variable length. A native histogram is moved when its buckets change; exemplars
 * are copied in between the other bytes. The lengths of the enclosing messages (which have a fixed width too) are then increased.
 */
import type { Exemplar } from '../model/metric-family.js';
import type { CreatedPlace, ExpositionWriter, FamilyHead, Format, Heading, Offer } from './format.js';
import { groupedFormat } from './grouped-format.js';
import { parseLabelText } from './labels.js';
import {
  DELIMITER_WIDTH,
  Encoding,
  exemplarField,
  familyFields,
  LABEL_PAIR,
  NATIVE_HOLE,
  seriesTemplate,
  type Template,
  WIDE_LENGTH_WIDTH,
  writeTime,
} from './protobuf-message.js';
import { NativeParts } from './native-parts.js';
import { sharedCopy } from './shared-memory.js';
import { Splice } from './splice.js';
import { WireBuffer, writeVarint } from './wire.js';

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

export function protobufFormat(name: string, offers: readonly Offer[]): Format {
  return groupedFormat({ name, offers }, () => new ProtobufWriter());
}

/** Used again for every label. */
const pair = new WireBuffer();

interface WrittenFamily {
  readonly head: FamilyHead;
  readonly heading: Heading;
  readonly showsCreated: boolean;
  /** Number of its series. */
  series: number;
}

/** The place of a family in the bytes. */
interface PlacedFamily {
  readonly template: Template;
  /** Offset of the length before the family. */
  at: number;
  readonly series: number;
}

class ProtobufWriter implements ExpositionWriter {
  readonly #families: WrittenFamily[] = [];
  #valueCount = 0;
  /** The labels of all series, and where those of each end. */
  readonly #labels = new WireBuffer();
  readonly #labelsEnd: number[] = [];
  #countWidth = 0;
  #placed: PlacedFamily[] = [];
  /** It has room for native histograms that become longer. */
  #memory: Buffer = Buffer.alloc(0);
  #bytes = this.#memory;
  #view = new DataView(this.#bytes.buffer);
  /** Per series, the offset of its message and of the part after its labels. */
  #seriesAt = new Int32Array(0);
  #valuesAt = new Int32Array(0);
  #shown = new Float64Array(0);
  readonly natives = new NativeParts();
  readonly #splice = new Splice();
  /** The last render has exemplars, which are in the copy that the splice has made. */
  #hasExemplars = false;

  family(head: FamilyHead, heading: Heading, created: CreatedPlace): void {
    this.#families.push({ head, heading, showsCreated: created === 'within', series: 0 });
  }

  series(labels: string): void {
    const family = this.#families[this.#families.length - 1];
    family.series++;
    this.#valueCount += family.head.lines.length + Number(family.showsCreated);
    for (const [name, value] of Object.entries(parseLabelText(labels))) {
      pair.length = 0;
      pair.string(LABEL_PAIR.name, name);
      pair.string(LABEL_PAIR.value, value);
      this.#labels.message(LABEL, pair.written);
    }
    this.#labelsEnd.push(this.#labels.length);
  }

  end(): void {
    this.#layOut(0);
  }

  leaveMemory(spare?: SharedArrayBuffer): void {
    if (this.#hasExemplars) this.#splice.leaveMemory(spare);
    else this.#use(this.#bytes, spare, this.#memory.length);
  }

  render(values: Float64Array, exemplars: readonly (Exemplar | undefined)[]): Uint8Array {
    while (!this.#write(values)) {
      this.natives.detach();
      this.#layOut(this.#countWidth + 1);
    }
    if (this.natives.pendingBytes > 0) this.#placeNatives();
    const traced: number[] = [];
    // forEach skips the holes of the array
    exemplars.forEach((exemplar, value) => {
      if (exemplar !== undefined) traced.push(value);
    });
    this.#hasExemplars = traced.length > 0;
    return this.#hasExemplars ? this.#withExemplars(exemplars, traced) : this.#bytes;
  }

  #layOut(countWidth: number): void {
    this.#countWidth = countWidth;
    const series = this.#labelsEnd.length;
    this.#seriesAt = new Int32Array(series);
    this.#valuesAt = new Int32Array(series);
    this.#shown = new Float64Array(this.#valueCount);
    const out = new WireBuffer();
    const labels = this.#labels.written;
    let [number, labelsAt] = [0, 0];
    this.#placed = this.#families.map(({ head, heading, showsCreated, series: count }) => {
      const template = seriesTemplate(head, showsCreated, COUNT_WIDTHS[countWidth]);
      const start = out.length;
      out.append(new Uint8Array(DELIMITER_WIDTH));
      out.append(familyFields(heading.name, head));
      for (const last = number + count; number < last;) {
        const pairs = labels.subarray(labelsAt, this.#labelsEnd[number]);
        labelsAt += pairs.length;
        this.#seriesAt[number] = out.length;
        out.head(METRIC, pairs.length + template.bytes.length, seriesLengthWidth(template));
        out.append(pairs);
        this.#valuesAt[number++] = out.length;
        out.append(template.bytes);
      }
      writeVarint(out.bytes, start, out.length - start - DELIMITER_WIDTH, DELIMITER_WIDTH);
      return { template, at: start, series: count };
    });
    this.#use(out.written);
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
    const splice = this.#splice;
    splice.begin(this.#bytes, this.natives.pendingBytes);
    let [number, histogram] = [0, 0];
    for (const placed of this.#placed) {
      const { at: familyAt, template, series } = placed;
      const hole = template.holes.get(NATIVE_HOLE);
      placed.at += splice.shift;
      for (let each = 0; each < series; each++, number++) {
        const [lengthAt, valuesAt] = [this.#seriesAt[number] + 1, this.#valuesAt[number]];
        this.#seriesAt[number] += splice.shift;
        this.#valuesAt[number] += splice.shift;
        if (hole === undefined) continue;
        const part = this.natives.place(histogram++, this.#valuesAt[number] + hole.at);
        if (part !== undefined) splice.put({ familyAt, lengthAt, valuesAt }, hole, part.bytes, part.former);
      }
    }
    const moved = splice.end();
    const { length } = moved;
    if (length > this.#memory.length) this.#use(moved, undefined, length + (length >> MOVED_ROOM));
    else moved.copy(this.#memory);
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

  /** Returns a copy with exemplars. Those of native histograms are in their classic buckets too. @param traced their indexes */
  #withExemplars(exemplars: readonly (Exemplar | undefined)[], traced: readonly number[]): Uint8Array {
    const splice = this.#splice;
    splice.begin(this.#bytes);
    let [next, value, number] = [0, 0, 0];
    for (const { at: familyAt, template, series } of this.#placed) {
      const perSeries = template.places.length;
      const native = template.holes.get(NATIVE_HOLE);
      const end = value + series * perSeries;
      while (traced[next] < end) {
        const each = Math.floor((traced[next] - value) / perSeries);
        const first = value + each * perSeries;
        const [lengthAt, valuesAt] = [this.#seriesAt[number + each] + 1, this.#valuesAt[number + each]];
        const place = { familyAt, lengthAt, valuesAt };
        const own: Exemplar[] = [];
        for (; traced[next] < first + perSeries; next++) {
          const exemplar = exemplars[traced[next]]!;
          const hole = template.holes.get(traced[next] - first);
          if (hole !== undefined) splice.put(place, hole, exemplarField(hole.field, exemplar));
          own.push(exemplar);
        }
        if (native === undefined) continue;
        for (const exemplar of own) {
          if (exemplar.timestamp !== undefined) splice.put(place, native, exemplarField(native.field, exemplar));
        }
      }
      value = end;
      number += series;
    }
    return splice.end();
  }
}

/** The width of a series' length is fixed if exemplars may change the length. */
function seriesLengthWidth({ holes }: Template): number {
  return holes.size > 0 ? WIDE_LENGTH_WIDTH : 0;
}

/** Our own counts are integers; counts of other libraries may be any number. */
function wholeCount(value: number): number {
  return value > 0 ? Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER) : 0;
}
