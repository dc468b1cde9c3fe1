/**
 * Names of metrics and labels, and the names that OpenMetrics derives from them. The rules are those of the Prometheus
 * data model as prom-client 15.1.3 applies them (no UTF-8 names), its error texts included.
 */
const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

export function validateMetricName(name: string): boolean {
  return METRIC_NAME.test(name);
}

/** `__name__` is the metric's name itself: in a sample's labels it would be another metric's sample, or a second name. */
export function isLabelName(name: string): boolean {
  return LABEL_NAME.test(name) && name !== '__name__';
}

/**
 * Throws what prom-client throws for a metric without a name or a help text, or with a name that breaks the rule; it looks
 * at the help text first.
 */
export function assertNameAndHelp(name: unknown, help: unknown): asserts name is string {
  if (!help) throw new Error('Missing mandatory help parameter');
  if (!name) throw new Error('Missing mandatory name parameter');
  if (typeof name !== 'string' || !validateMetricName(name)) throw new Error('Invalid metric name');
}

/** `jobs` for `jobs_total`; undefined for `jobs_done`, which OpenMetrics has no counter name for. */
export function counterBaseName(name: string): string | undefined {
  return withoutSuffix(name, '_total');
}

/** `build` for an Info metric that the user named `build_info` or `build`. */
export function infoBaseName(name: string): string {
  return withoutSuffix(name, '_info') ?? name;
}

/** OpenMetrics wants a unit to end the family's name (OpenMetrics 1.0, 4.4.1). */
export function endsWithUnit(name: string, unit: string): boolean {
  return name.endsWith(`_${unit}`);
}

function withoutSuffix(name: string, suffix: string): string | undefined {
  return name.length > suffix.length && name.endsWith(suffix) ? name.slice(0, -suffix.length) : undefined;
}
