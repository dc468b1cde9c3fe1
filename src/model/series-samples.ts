import type { Exemplar, Labels, Sample } from './metric-family.js';
import type { Line } from './metric-kind.js';

/** Returns the samples of one series, each with its own label object. @param labels in the declared order */
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
