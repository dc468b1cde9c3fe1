import { AutomaticFolding } from '../collector/automatic-folding.js';
import { DEFAULT_DEAD_RETENTION_SECONDS } from '../archive/fold.js';
import type { FoldAbandonment } from '../archive/fold-result.js';
import { existingDirectory } from './existing-directory.js';
import { plain, print, printJson } from './print.js';
import { ProgressBar } from './progress-bar.js';

/** What there is to do; nothing is lost in any of these cases. */
const ADVICE: Readonly<Record<FoldAbandonment, string>> = {
  locked: 'somebody else is folding; try again when they are done',
  superseded: 'somebody else has folded meanwhile; try again if there is more to fold',
  'not permitted': 'this user may not write there; run it as the user that the application runs as',
  'no room': 'the disk, or memory, is full; make room and try again',
  'archive unreadable':
    'the newest archive cannot be read by this user or this release; `prom-multiproc check` tells why',
  'no links': 'the file system has no hard links; name a directory on another one in PROMETHEUS_MULTIPROC_DIR',
};

/** Folds once. Exits 1 where that could not be done. */
export async function foldCommand(options: { dir?: string; json?: boolean }): Promise<void> {
  const bar = new ProgressBar('files of dead processes');
  const folding = new AutomaticFolding({}, DEFAULT_DEAD_RETENTION_SECONDS);
  const result = await folding
    .now(existingDirectory(options.dir), (read, of) => bar.show(read, of))
    .finally(() => bar.clear());
  const { folded, generation, abandoned, skipped, droppedSeries, droppedFamilies, damagedArchives } = result;
  if (abandoned !== undefined) process.exitCode = 1;
  if (options.json === true) {
    printJson(result);
    return;
  }
  if (abandoned === undefined) print(`folded ${folded} files of dead processes into generation ${generation}`);
  else print(`nothing was folded: ${ADVICE[abandoned]}`);
  const left = Object.entries(skipped).filter(([, files]) => files > 0);
  if (left.length > 0) print(`left where they are: ${left.map(([why, files]) => `${files} ${why}`).join(', ')}`);
  if (droppedSeries > 0) print(`${droppedSeries} series found no room in the archive`);
  if (droppedFamilies > 0) print(`${droppedFamilies} metrics were dropped that no process declares any more`);
  for (const name of damagedArchives) print(`passed over, and left where it is: ${plain(name)}`);
}
