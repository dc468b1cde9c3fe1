/** Renders the families of an output, again and again, as an exposition or as a data model. */
import type {
  CreatedPlace,
  ExpositionWriter,
  FamilyHead,
  Format,
  Heading,
  NativeSink,
  OutputRules,
} from '../exposition/format.js';
import { labelText, parseLabelText } from '../exposition/labels.js';
import {
  changesLegalNames,
  DEFAULT_ESCAPING,
  escapeExemplar,
  escapeFamilies,
  escapeLabelText,
  escapeMetricName,
} from '../exposition/name-escaping.js';
import { exemplarAt, writeValues } from '../merge/lines.js';
import { placesOf, readNative } from '../merge/native-series.js';
import type { MergedFamily } from '../merge/merged-family.js';
import type { SelectedFamilies } from '../merge/selected-families.js';
import type { Exemplar, MetricFamily, Sample } from '../model/metric-family.js';
import { createdName, exemplarLines, metricKind } from '../model/metric-kind.js';
import type { NativeOptions } from '../model/native-bins.js';
import { NativeReading } from '../model/native-histogram.js';
import { seriesSamples } from '../model/series-samples.js';

/** Their lines are written in about a millisecond. */
const SERIES_PER_STEP = 512;

export interface OutputOptions extends OutputRules {
  /** Shows when each series of a counter, histogram or summary was created. */
  readonly created?: boolean;
}

interface FamilyBlock {
  readonly family: MergedFamily;
  readonly series: Int32Array;
}

/** A block in the form of one format. */
interface WrittenBlock extends FamilyBlock {
  readonly head: FamilyHead;
  readonly heading: Heading;
  /** The options of native histograms in the last render, and the merge that it showed. */
  native: NativeOptions | undefined;
  merge: number;
  readonly created: CreatedPlace;
  /** Number of lines of a series that may have exemplars. */
  readonly exemplarLines: number;
}

/** A family of the collector itself. */
interface OwnBlock {
  readonly family: MetricFamily;
  readonly heading: Heading;
}

/** Memory that readers have. It is held weakly: a reader may not give it back. */
interface Loan {
  readonly memory: WeakRef<SharedArrayBuffer>;
  readers: number;
}

/** The exposition in one format. */
export class MergedBody {
  readonly #selected: SelectedFamilies;
  readonly #format: Format;
  readonly #options: OutputOptions;
  #structure = '';
  #blocks: readonly WrittenBlock[] = [];
  #writer: ExpositionWriter | undefined;
  #values = new Float64Array(0);
  readonly #reading = new NativeReading();
  /** Of the memory of the last render; undefined where nobody has borrowed it. */
  #loan: Loan | undefined;
  /** Memory of an earlier one, which its readers have given back. */
  #spare: SharedArrayBuffer | undefined;

  constructor(selected: SelectedFamilies, format: Format, options: OutputOptions) {
    this.#selected = selected;
    this.#format = format;
    this.#options = options;
  }

  /**
   * Pauses after some series.
   *
   * @param own families of the collector itself, placed after the merged ones
   * @returns memory that the next call overwrites, unless it is lent
   */
  *render(own: readonly MetricFamily[]): Generator<void, Uint8Array> {
    // the samples of pushes come with their records
    const structure = `${this.#selected.structure} ${own.flatMap(({ samples }) => samples.map(({ labels }) => labels.target)).join(' ')}`;
    const isOut = this.#loan !== undefined && this.#loan.readers > 0;
    let writer = this.#writer;
    if (writer !== undefined && this.#structure === structure) {
      if (isOut) {
        writer.leaveMemory?.(this.#takeSpare());
        this.#loan = undefined;
      }
      // what an error leaves behind in it is not used again
      this.#writer = undefined;
      const exemplars = yield* this.#readValues(writer, own);
      const body = writer.render(this.#values, exemplars);
      this.#writer = writer;
      return body;
    }
    const free = isOut ? undefined : this.#loan?.memory.deref();
    this.#writer = undefined;
    writer = this.#format.newWriter(this.#options);
    const shownOwn = yield* this.#plan(own);
    const exemplars = yield* this.#readValues(writer, own);
    writer.begin?.(this.#values, free ?? this.#takeSpare());
    yield* this.#addSeries(writer, shownOwn);
    writer.end();
    this.#loan = undefined;
    this.#writer = writer;
    this.#structure = structure;
    return writer.render(this.#values, exemplars);
  }

  /**
   * Lends the memory of the last render: later renders leave it alone until it is given back. Returns the function that gives
   * it back; undefined where the memory is not shared, so that the next render overwrites it.
   */
  lend({ buffer }: Uint8Array): (() => void) | undefined {
    if (!(buffer instanceof SharedArrayBuffer)) return undefined;
    if (this.#loan?.memory.deref() !== buffer) this.#loan = { memory: new WeakRef(buffer), readers: 0 };
    const loan = this.#loan;
    loan.readers++;
    return () => {
      if (--loan.readers === 0 && this.#loan !== loan) this.#spare = loan.memory.deref();
    };
  }

  #takeSpare(): SharedArrayBuffer | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  /** Reads the values, and returns the exemplars at the places of their values. */
  *#readValues(writer: ExpositionWriter, own: readonly MetricFamily[]): Generator<void, Exemplar[]> {
    const values = this.#values;
    const exemplars: Exemplar[] = [];
    const { natives } = writer;
    natives?.begin();
    let at = 0;
    for (const block of this.#blocks) {
      const { family, series, created } = block;
      const { index } = family;
      if (natives !== undefined && family.native !== undefined) yield* this.#addNatives(natives, block);
      for (const step of stepsOf(series)) {
        at = this.#readStep(block, step, at, exemplars);
        yield;
      }
      if (created === 'apart') for (const number of series) values[at++] = index.createdAt[number];
    }
    for (const { samples } of own) for (const { value } of samples) values[at++] = value;
    return exemplars;
  }

  /** @returns where the values of the next series begin */
  #readStep(
    { family, created, exemplarLines: traced }: WrittenBlock,
    series: Int32Array,
    from: number,
    exemplars: Exemplar[],
  ): number {
    const { index } = family;
    const { hasExemplars } = this.#selected;
    const { escaping = DEFAULT_ESCAPING } = this.#options;
    let at = from;
    for (const number of series) {
      for (let line = 0; hasExemplars && line < traced; line++) {
        const exemplar = exemplarAt(index, family, number, line);
        if (exemplar !== undefined) exemplars[at + line] = escapeExemplar(exemplar, escaping);
      }
      at = writeValues(index, family, number, this.#values, at);
      if (created === 'within') this.#values[at++] = index.createdAt[number];
    }
    return at;
  }

  /** Passes on native histograms: their bins are only read where buckets have come or gone. */
  *#addNatives(natives: NativeSink, block: WrittenBlock): Generator<void, void> {
    const { family, series, merge } = block;
    const { index, native, hasClassicOnly } = family;
    const isAlike = block.native === native && !hasClassicOnly;
    for (const step of stepsOf(series)) {
      for (const number of step) {
        if (isAlike && index.native.changedAt(number) <= merge && natives.keep?.() === true) continue;
        if (isAlike && natives.update?.(index.native.cells, index.native.countOf(number)) === true) continue;
        readNative(index, family, number, this.#reading);
        natives.add(this.#reading, hasClassicOnly ? undefined : placesOf(index, number, this.#reading));
      }
      yield;
    }
    block.native = native;
    block.merge = index.native.merge;
  }

  /** Decides which families are written, and how many values they have. Returns those of the collector with their headings. */
  *#plan(own: readonly MetricFamily[]): Generator<void, OwnBlock[]> {
    const { created: wanted, escaping = DEFAULT_ESCAPING } = this.#options;
    const showsCreated = wanted === true || this.#format.showsCreated === true;
    const shown = new Set(this.#selected.shownUnder(escaping));
    const blocks = yield* shownBlocks(this.#selected, (family) => shown.has(family));
    const named = blocks.map(({ family: { name, type } }) => ({ name: escapeMetricName(name, escaping), type }));
    const shownOwn = escapeFamilies(own, escaping);
    const headings = this.#format.headings([...named, ...shownOwn], this.#options);
    let values = shownOwn.reduce((sum, { samples }) => sum + samples.length, 0);
    this.#blocks = blocks.flatMap(({ family, series }, at) => {
      const heading = headings[at];
      if (!heading.isShown) return [];
      const { help, unit, kind, bounds, quantiles } = family;
      const { name } = named[at];
      const lines = kind.lines({ name, bounds, quantiles });
      const created = showsCreated && family.hasCreated && series.length > 0 ? heading.created : 'nowhere';
      const head = { name, help, unit, kind, lines, native: family.native !== undefined };
      values += series.length * (lines.length + (created === 'nowhere' ? 0 : 1));
      return {
        family,
        series,
        head,
        heading,
        created,
        native: undefined,
        merge: 0,
        exemplarLines: heading.exemplars ? exemplarLines(kind, lines) : 0,
      };
    });
    this.#values = new Float64Array(values);
    return shownOwn.map((family, at) => ({ family, heading: headings[blocks.length + at] }));
  }

  *#addSeries(writer: ExpositionWriter, own: readonly OwnBlock[]): Generator<void, void> {
    const { escaping = DEFAULT_ESCAPING } = this.#options;
    const keepsLegal = !changesLegalNames(escaping);
    for (const { family, series, head, heading, created } of this.#blocks) {
      writer.family(head, heading, created);
      const { texts } = family.index;
      for (const step of stepsOf(series)) {
        for (const number of step) {
          const length = keepsLegal && writer.asciiSeries !== undefined ? texts.write(number) : -1;
          if (length >= 0) writer.asciiSeries!(texts.bytes, length);
          else writer.series(escapeLabelText(texts.of(number), escaping));
        }
        yield;
      }
    }
    for (const { family, heading } of own) {
      const { name, help, type, samples } = family;
      const kind = metricKind(type);
      writer.family({ name, help, kind, lines: kind.lines({ name }) }, heading, 'nowhere');
      for (const { labels } of samples) writer.series(labelText(labels));
    }
  }
}

/** The merged data model: the same families, series and order as the text. Pauses after each series. */
export function* mergedFamilies(
  selected: SelectedFamilies,
  options: OutputOptions,
  isWanted: (family: MergedFamily) => boolean = () => true,
): Generator<void, MetricFamily[]> {
  const families: MetricFamily[] = [];
  for (const { family, series } of yield* shownBlocks(selected, isWanted)) {
    const { index } = family;
    const lines = family.kind.lines(family);
    const withExemplars = exemplarLines(family.kind, lines);
    const values = new Float64Array(lines.length);
    const reading = new NativeReading();
    const created = options.created === true ? createdLineName(family) : undefined;
    const samples: Sample[] = [];
    for (const number of series) {
      writeValues(index, family, number, values, 0);
      const labels = parseLabelText(index.texts.of(number));
      const own = seriesSamples(lines, labels, values, (line) =>
        line < withExemplars ? exemplarAt(index, family, number, line) : undefined,
      );
      if (family.native !== undefined) {
        readNative(index, family, number, reading);
        own[own.length - 1].native = reading.toPlain();
      }
      if (created !== undefined) own.push({ name: created, labels, value: index.createdAt[number] });
      samples.push(...own);
      yield;
    }
    const { name, help, type, unit } = family;
    const { aggregator } = family.mode;
    families.push({
      ...{ name, help, type },
      ...(unit !== undefined && { unit }),
      ...(family.isGauge && aggregator !== 'sum' && { aggregator }),
      samples,
    });
  }
  return families;
}

/** `jobs_created` of `jobs_total`; undefined for types that have none. */
function createdLineName({ hasCreated, name, type }: MergedFamily): string | undefined {
  return hasCreated ? createdName(name, type) : undefined;
}

function* shownBlocks(
  selected: SelectedFamilies,
  isWanted: (family: MergedFamily) => boolean,
): Generator<void, FamilyBlock[]> {
  const blocks: FamilyBlock[] = [];
  for (const family of selected.families()) {
    if (isWanted(family)) blocks.push({ family, series: yield* family.index.shownSeries(family) });
  }
  return blocks;
}

function* stepsOf(series: Int32Array): Generator<Int32Array> {
  for (let from = 0; from < series.length; from += SERIES_PER_STEP) {
    yield series.subarray(from, from + SERIES_PER_STEP);
  }
}
