import { AutomaticFolding } from '../collector/automatic-folding.js';
import { DEFAULT_DEAD_RETENTION_SECONDS } from '../archive/fold-options.js';
import type { FoldAbandonment } from '../archive/fold-result.js';
import { existingDirectory } from './existing-directory.js';
import { plain, print, printJson } from './print.js';

/** The advice to the operator. No counts are lost in any of these cases. */
const ADVICE: Readonly<Record<FoldAbandonment, string>> = {
  locked: 'another process is folding; try again when it has finished',
  superseded: 'another process has folded in the meantime; try again if there is more to fold',
  'not permitted': 'this user may not write to the directory; run the command as the user of the application',
  'no room': 'the disk or the memory is full; make room and try again',
  'archive unreadable':
    'the newest archive cannot be read by this user or this release; `prom-multiproc check` tells why',
  'no links': 'the file system has no hard links; name a directory on another one in PROMETHEUS_MULTIPROC_DIR',
};

/** Folds once. Exits 1 where the fold was abandoned. */
export async function foldCommand(options: { dir?: string; json?: boolean }): Promise<void> {
  const folding = new AutomaticFolding({}, DEFAULT_DEAD_RETENTION_SECONDS);
  const result = await folding
    .now(existingDirectory(options.dir), progressLine())
    .finally(() => process.stderr.isTTY && process.stderr.write(CLEAR_LINE));
  const { folded, generation, abandoned, skipped, damagedArchives } = result;
  const { droppedSeries, droppedFamilies, expiredSeries } = result;
  if (abandoned !== undefined) process.exitCode = 1;
  if (options.json === true) {
    printJson(result);
    return;
  }
  if (abandoned === undefined) print(`folded ${folded} files of dead processes into generation ${generation}`);
  else print(`nothing was folded: ${ADVICE[abandoned]}`);
  const left = Object.entries(skipped).filter(([, files]) => files > 0);
  if (left.length > 0) print(`files that were not folded: ${left.map(([why, files]) => `${files} ${why}`).join(', ')}`);
  if (droppedSeries > 0) print(`${droppedSeries} series were dropped: the archive had no room for them`);
  if (droppedFamilies > 0) print(`${droppedFamilies} metrics were dropped: no process declares them any more`);
  if (expiredSeries > 0) print(`${expiredSeries} series were dropped: idle for longer than expireAfterSeconds`);
  for (const name of damagedArchives) print(`damaged archive, ignored and not deleted: ${plain(name)}`);
}

const BAR_WIDTH = 30;
const CLEAR_LINE = '\r\u001b[K';

/** Shows the progress in a line of the standard error that is overwritten, on a terminal only. */
function progressLine(): (read: number, of: number) => void {
  let drawn = '';
  return (read, of) => {
    if (!process.stderr.isTTY || of === 0) return;
    const full = Math.floor((read / of) * BAR_WIDTH);
    const percent = `${Math.floor((read / of) * 100)}`.padStart(3);
    const bar = `${'#'.repeat(full)}${'.'.repeat(BAR_WIDTH - full)} ${percent} %`;
    // a write for each file would be wasted where the percentage does not change
    if (bar !== drawn) process.stderr.write(`${CLEAR_LINE}${bar} of ${of} files of dead processes`);
    drawn = bar;
  };
}
