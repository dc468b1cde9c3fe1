import type { Exemplar, MetricFamily } from '../model/metric-family.js';
import { NativeReading } from '../model/native-histogram.js';
import { createdName, metricKind } from '../model/metric-kind.js';
import { completed } from '../time-slices.js';
import type { ExpositionWriter, Format, Heading, NamedFamily } from './format.js';
import { groupingSteps } from './grouped-series.js';
import { labelText } from './labels.js';
import { shownFamilies } from './shown-families.js';

/** Makes a format in which a series is one entry with all its parts, `created` too: no heading takes a name from another. */
export function groupedFormat(
  own: Pick<Format, 'name' | 'offers' | 'isDraft'>,
  newWriter: () => ExpositionWriter,
): Format {
  return {
    ...own,
    showsCreated: true,
    headings: (families) => families.map(headingOf),
    render: (families, options) => render(shownFamilies(families, options?.escaping), newWriter()),
    newWriter,
  };
}

function headingOf(family: NamedFamily): Heading {
  const { ownName, type, hasCreated, exemplarSuffix } = metricKind(family.type);
  const name = ownName(family.name);
  return {
    ...{ name, type, sampleName: name },
    createdName: createdName(family.name, family.type),
    created: hasCreated ? 'within' : 'nowhere',
    exemplars: exemplarSuffix !== undefined,
    isShown: true,
  };
}

function render(families: readonly MetricFamily[], writer: ExpositionWriter): Uint8Array {
  const values: number[] = [];
  const exemplars: Exemplar[] = [];
  const reading = new NativeReading();
  for (const family of families) {
    const heading = headingOf(family);
    const { name, help, unit, type } = family;
    const kind = metricKind(type);
    for (const { lines, series, isNative } of completed(groupingSteps(family))) {
      const created = heading.created === 'within' && series.some((each) => each.created !== undefined);
      writer.family({ name, help, unit, kind, lines, native: isNative }, heading, created ? 'within' : 'nowhere');
      for (const { labels, values: own, exemplars: traced, created: createdAt, native } of series) {
        writer.series(labelText(labels));
        traced.forEach((exemplar, line) => {
          if (exemplar !== undefined) exemplars[values.length + line] = exemplar;
        });
        values.push(...own);
        if (native !== undefined) {
          reading.set(native);
          writer.natives?.add(reading);
        }
        if (created) values.push(createdAt ?? 0);
      }
    }
  }
  writer.end();
  return writer.render(Float64Array.from(values), exemplars);
}
