import { BcryptCheck } from '../../../src/serve/web-config/bcrypt-check.js';
import { SECRET_HASH } from '../web-config/web-config-file.js';

process.on('message', async () => process.send?.(await new BcryptCheck().compare('secret', SECRET_HASH)));
