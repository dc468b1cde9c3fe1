/** Prometheus text format 0.0.4, or OpenMetrics 1.0. */
export type ExpositionFormat = 'text' | 'openmetrics';

/** What prom-client 15.1.3 answers with, letter for letter: its users compare these. */
export const CONTENT_TYPES = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
} as const satisfies Record<ExpositionFormat, string>;

/** What stands between two families. OpenMetrics knows no blank lines. */
export const FAMILY_SEPARATORS: Readonly<Record<ExpositionFormat, string>> = { text: '\n', openmetrics: '' };

/** What stands after the last family. Without it a scraper of OpenMetrics takes the body for cut off. */
export const ENDS: Readonly<Record<ExpositionFormat, string>> = { text: '', openmetrics: '# EOF\n' };
