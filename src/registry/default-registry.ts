import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import type { RegistryContentType } from './content-type.js';
import { Registry } from './registry.js';

/** The registry of metrics that are made without `registers`. */
export const register: Registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: DEFAULT_REGISTRY });

/**
 * The content type of the default registry when this module loads. The root of the package has the current one, and can set
 * it.
 */
export const contentType: RegistryContentType = register.contentType;

// prom-client has this property too, without a type
Object.assign(Registry, { globalRegistry: register });
