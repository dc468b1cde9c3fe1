import { register } from '../registry/default-registry.js';
import type { RegistryContentType } from '../registry/content-type.js';

/**
 * The content type of the default registry when this module loads. The root of the package has the current one, and can set
 * it.
 */
export const contentType: RegistryContentType = register.contentType;
