/**
 * `node --import prom-multiproc/otel/register app.js`: all metrics of OpenTelemetry count in the shared directory, of
 * libraries too that obtain their meters while they load.
 */
import { registerMeterProvider } from './global-provider.js';

registerMeterProvider();
