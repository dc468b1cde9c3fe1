/** Prometheus' `?name[]=`: selects families by their name or by the name of one of their samples. */
import { createdName, metricKind, type SeriesLayout } from '../model/metric-kind.js';

/** Returns a filter of families. It also takes merged families, which hold no samples. */
export function nameFilter(names: readonly string[]): (family: SeriesLayout & { readonly type: string }) => boolean {
  const wanted = new Set(names);
  return (family) => {
    const { name, type } = family;
    const { lines, openMetrics } = metricKind(type);
    const own = [name, openMetrics?.baseName(name), createdName(name, type), ...lines(family).map((line) => line.name)];
    return own.some((each) => each !== undefined && wanted.has(each));
  };
}
