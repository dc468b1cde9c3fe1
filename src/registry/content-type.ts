/** The content types of the two formats, and their TypeScript types, with the names of prom-client. */
import type { ExpositionFormat } from '../exposition/formats.js';
import { CONTENT_TYPES, OPENMETRICS, TEXT, type TextDialect } from '../exposition/text-dialect.js';

export type Charset = 'utf-8';
export type PrometheusMIME = 'text/plain';
export type PrometheusMetricsVersion = '0.0.4';
export type OpenMetricsMIME = 'application/openmetrics-text';
export type OpenMetricsVersion = '1.0.0';

export type PrometheusContentType = `${PrometheusMIME}; version=${PrometheusMetricsVersion}; charset=${Charset}`;
export type OpenMetricsContentType = `${OpenMetricsMIME}; version=${OpenMetricsVersion}; charset=${Charset}`;
export type RegistryContentType = PrometheusContentType | OpenMetricsContentType;

export const PROMETHEUS_CONTENT_TYPE: PrometheusContentType = CONTENT_TYPES.text;
export const OPENMETRICS_CONTENT_TYPE: OpenMetricsContentType = CONTENT_TYPES.openmetrics;

export function isContentType(value: unknown): value is RegistryContentType {
  return value === PROMETHEUS_CONTENT_TYPE || value === OPENMETRICS_CONTENT_TYPE;
}

export function textDialectOf(contentType: RegistryContentType): TextDialect & { readonly name: ExpositionFormat } {
  return contentType === OPENMETRICS_CONTENT_TYPE ? OPENMETRICS : TEXT;
}
