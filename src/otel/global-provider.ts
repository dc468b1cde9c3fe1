import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { invalidArgument, type PromMultiprocError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { MeterProvider, type MeterProviderOptions } from './meter-provider.js';

type Api = typeof import('@opentelemetry/api');

/** The first version of the API with metrics. */
const FIRST_MINOR = 3;

/**
 * Makes a provider, and makes it the one of the whole process. Meters that a library obtained before count nothing, so call
 * it first, or preload `prom-multiproc/otel/register`. If there is a provider already, that one stays, with a warning.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where @opentelemetry/api is not installed, or its version has no metrics
 */
export function registerMeterProvider(options: MeterProviderOptions = {}): MeterProvider {
  const { metrics } = api();
  const provider = new MeterProvider(options);
  if (!metrics.setGlobalMeterProvider(provider)) {
    warnOnce(
      'meter provider',
      'OpenTelemetry has another meter provider already, or one of another version of its API: load prom-multiproc/otel/register before it, since meters count where they were made',
    );
  }
  return provider;
}

/** @param load loads the API */
export function api(load: (name: string) => unknown = require): Api {
  let loaded: unknown;
  try {
    loaded = load('@opentelemetry/api');
  } catch (error) {
    throw unusable('it could not be loaded', error);
  }
  const version = versionOf(load);
  const [major, minor] = version.split('.').map(Number);
  const isUsable = typeof (loaded as Partial<Api>)?.metrics?.setGlobalMeterProvider === 'function';
  if (!isUsable || major > 1 || (major === 1 && minor < FIRST_MINOR)) throw unusable(`version ${version} was found`);
  return loaded as Api;
}

function unusable(reason: string, cause?: unknown): PromMultiprocError {
  return invalidArgument(
    `prom-multiproc/otel needs @opentelemetry/api from 1.${FIRST_MINOR} up to 2, but ${reason}: npm install @opentelemetry/api@1`,
    { cause },
  );
}

/** Its package.json cannot be required: `exports` does not name it. */
function versionOf(load: (name: string) => unknown): string {
  const { resolve } = load as NodeJS.Require;
  if (resolve === undefined) return 'unknown';
  for (let folder = dirname(resolve('@opentelemetry/api')); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const text = readFileSync(join(folder, 'package.json'), 'utf8');
      const { name, version } = JSON.parse(text) as Record<string, string>;
      if (name === '@opentelemetry/api') return version;
    } catch {
      // no package.json here
    }
  }
  return 'unknown';
}
