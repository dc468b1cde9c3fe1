import type { Exemplar, Labels, Sample } from './metric-family.js';
import type { Line } from './metric-kind.js';

/**
 * The samples of one series. Each has a label object of its own.
 *
 * @param labels of the series, in the declared order
 * @param values of the lines
 * @param exemplarAt the exemplar behind a line
 */
export function seriesSamples(
  lines: readonly Line[],
  labels: Labels,
  values: Float64Array,
  exemplarAt: (line: number) => Exemplar | undefined,
): Sample[] {
  return lines.map(({ name, label }, at) => {
    const own: Labels = Object.create(null) as Labels;
    if (label !== undefined) own[label.name] = label.value;
    const sample: Sample = { name, labels: Object.assign(own, labels), value: values[at] };
    const exemplar = exemplarAt(at);
    if (exemplar !== undefined) sample.exemplar = exemplar;
    return sample;
  });
}
