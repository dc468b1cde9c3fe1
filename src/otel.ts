/** The entry point `prom-multiproc/otel`. Nothing of it is loaded by the package's root. */
export { registerMeterProvider } from './otel/global-provider.js';
export { MeterProvider, type MeterProviderOptions } from './otel/meter-provider.js';
export type { View } from './otel/view.js';
