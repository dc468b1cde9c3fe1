import type { Exemplar, MetricFamily } from '../model/metric-family.js';
import { NativeReading } from '../model/native-histogram.js';
import { metricKind } from '../model/metric-kind.js';
import type { ExpositionWriter, Heading, NamedFamily } from './format.js';
import { groupedSeries } from './grouped-series.js';
import { labelText } from './labels.js';
import { escapeFamilies, type Escaping } from './name-escaping.js';
import { shownFamilies } from './shown-families.js';

/** Renders families with a writer that takes the series of a family in groups. */
export function renderGrouped(
  given: readonly MetricFamily[],
  escaping: Escaping,
  headings: (families: readonly NamedFamily[]) => Heading[],
  writer: ExpositionWriter,
): Uint8Array {
  const families = escapeFamilies(shownFamilies(given), escaping);
  const values: number[] = [];
  const exemplars: Exemplar[] = [];
  const reading = new NativeReading();
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
        if (native !== undefined) {
          reading.set(native);
          writer.natives?.add(reading);
        }
        if (created) values.push(createdAt ?? 0);
      }
    }
  });
  writer.end();
  return writer.render(Float64Array.from(values), exemplars);
}
