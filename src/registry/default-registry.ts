import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import { Registry } from './registry.js';

/** The registry of metrics that are made without `registers`. */
export const register: Registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: DEFAULT_REGISTRY });

// prom-client has this property too, without a type
Object.assign(Registry, { globalRegistry: register });
