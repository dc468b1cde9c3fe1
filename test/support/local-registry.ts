import { Registry } from 'prom-multiproc';

/** A registry that shows the metrics of this process alone. */
export function localRegistry(): Registry {
  return new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { multiprocess: false });
}

export function openMetricsRegistry(): Registry<any> {
  return new Registry<any>(Registry.OPENMETRICS_CONTENT_TYPE, { multiprocess: false });
}
