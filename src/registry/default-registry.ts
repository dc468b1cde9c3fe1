import { DEFAULT_REGISTRY } from '../model/registry-id.js';
import { Registry } from './registry.js';

/** Where metrics go that name no registry. */
export const register: Registry = new Registry(Registry.PROMETHEUS_CONTENT_TYPE, { name: DEFAULT_REGISTRY });

// prom-client has it there, untyped
Object.assign(Registry, { globalRegistry: register });
