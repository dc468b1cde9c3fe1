/** Takes the fold lock of the directory in argv and waits to be killed. */
import { takeFoldLock } from '../../../src/archive/fold-lock.js';

const taken = takeFoldLock(process.argv[2], { properLockfile: true });
process.send?.(taken === 'locked' ? 'locked' : 'taken');
setInterval(() => {}, 1000);
