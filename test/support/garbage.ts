import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/**
 * Runs a full garbage collection in a process that was not started with `--expose-gc`: contexts that are made now have the
 * function.
 */
export const collectGarbage = runInNewContext('gc') as () => void;
