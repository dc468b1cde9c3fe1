import { type ChosenDirectory, chooseToJoin } from '../directory/choose.js';
import { storeDirectory } from '../storage/process-store.js';

/** The directory for a reader in this process that names none. */
export function directoryToRead(): ChosenDirectory | undefined {
  return storeDirectory() ?? chooseToJoin();
}
