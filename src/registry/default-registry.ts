import { Registry } from './registry.js';

/** The name of the default registry in merged output. */
export const DEFAULT_REGISTRY = 'default';

/** Where metrics go that name no registry. */
export const register: Registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: DEFAULT_REGISTRY });

// prom-client has it there, untyped
Object.assign(Registry, { globalRegistry: register });
