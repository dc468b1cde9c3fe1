/** Instrumentation libraries of OpenTelemetry for `programs/opentelemetry.ts`. */
import { join } from 'node:path';
import { parseExposition } from '../support/exposition-parser.js';
import { npmPackage } from '../support/npm-package.js';

const VERSIONS = {
  '@opentelemetry/instrumentation-http': '0.223.0',
  '@opentelemetry/instrumentation-undici': '0.33.0',
  '@opentelemetry/instrumentation-runtime-node': '0.36.1',
  '@opentelemetry/host-metrics': '0.39.0',
  '@opentelemetry/instrumentation-express': '0.71.0',
  '@opentelemetry/context-async-hooks': '2.12.1',
  '@fastify/otel': '0.21.2',
};

export const OTEL_REGISTER = join(__dirname, '..', '..', 'src', 'otel', 'register.js');

/** Fetches the libraries, and returns their paths for the variable LIBRARY. */
export async function openTelemetryLibraries(): Promise<string> {
  const paths: string[] = [];
  for (const [name, version] of Object.entries(VERSIONS)) paths.push(await npmPackage(name, version));
  return paths.join(',');
}

/** Returns the sum of all series of a name. */
export function sumOf(text: string, name: string): number {
  const samples = parseExposition(text).samples.filter((sample) => sample.name === name);
  return samples.reduce((total, { value }) => total + value, 0);
}

/** Whether a scrape has this number of hits. Each of them makes another request. */
export function countsHits(text: string, hits: number): boolean {
  return (
    sumOf(text, 'http_server_request_duration_seconds_count') === 2 * hits &&
    sumOf(text, 'http_client_request_duration_seconds_count') === hits
  );
}
