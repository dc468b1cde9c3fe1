import { type ChosenDirectory, chooseToRead } from '../directory/choose.js';
import { storeDirectory } from '../storage/process-store.js';

/** The directory that a reader in this process means when it names none. */
export function directoryToRead(): ChosenDirectory | undefined {
  return chooseToRead(storeDirectory());
}
