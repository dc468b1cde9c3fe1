import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { existingDirectory } from './directory-option.js';
import { plain, print, printJson } from './print.js';

/** Folds once. Exits 1 where that could not be done. */
export async function foldCommand(options: { dir?: string; json?: boolean }): Promise<void> {
  const collector = new MultiprocessCollector({ dir: existingDirectory(options.dir), threads: true });
  const result = await collector.fold();
  await collector.close();
  const { folded, generation, abandoned, skipped, droppedSeries, droppedFamilies, damagedArchives } = result;
  if (abandoned !== undefined) process.exitCode = 1;
  if (options.json === true) {
    printJson(result);
    return;
  }
  if (abandoned === undefined) print(`folded ${folded} files of dead processes into generation ${generation}`);
  else print(`nothing was folded: ${abandoned}`);
  const left = Object.entries(skipped).filter(([, files]) => files > 0);
  if (left.length > 0) print(`left where they are: ${left.map(([why, files]) => `${files} ${why}`).join(', ')}`);
  if (droppedSeries > 0) print(`${droppedSeries} series found no room in the archive`);
  if (droppedFamilies > 0) print(`${droppedFamilies} metrics were dropped that no process declares any more`);
  for (const name of damagedArchives) print(`damaged, and left where it is: ${plain(name)}`);
}
