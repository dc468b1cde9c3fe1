import { register } from '../registry/default-registry.js';
import type { RegistryContentType } from '../registry/content-type.js';

/** The default registry's content type. The package's root has it as it stands at each moment, and can set it. */
export const contentType: RegistryContentType = register.contentType;
