import { BcryptCheck } from '../../../src/serve/web-config/bcrypt-check.js';
import { answerRequests } from '../../support/fork.js';
import { SECRET_HASH } from '../web-config/web-config-file.js';

answerRequests(() => new BcryptCheck().compare('secret', SECRET_HASH));
