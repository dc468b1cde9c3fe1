import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { chosenDirectory } from './directory-option.js';
import { print, printJson } from './print.js';

export async function foldCommand(options: { dir?: string; json?: boolean }): Promise<void> {
  const collector = new MultiprocessCollector({ dir: chosenDirectory(options.dir), threads: true });
  const result = await collector.fold();
  await collector.close();
  if (options.json === true) printJson(result);
  else print(`folded ${result.folded} files of dead processes into generation ${result.generation}`);
}
