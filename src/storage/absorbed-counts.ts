/**
 * A process that was taken for dead, and is not: its file has no lock, its heart was silent for long (it was stopped, or cut
 * off with its host), and on another host of the same name somebody has folded its file into an archive. Nobody counts that
 * file any more. The process goes on in a new file, which begins without what the archive has, so that nothing counts twice.
 *
 * What the archive has is what the file had when it was folded, and that is what its process last wrote to it: a file that is
 * written on a timer is kept in memory as it is on disk. A process looks before it writes again after a silence, and does not
 * write to a file that has been removed, so that the two are the same but for what it writes between the folder's reading and
 * removing of the file. So much is lost, a flush or a few, where the process wakes up in the middle of a fold, or was never
 * silent and only its host's clock is wrong.
 *
 * What adds up is taken out: counters, buckets, sums, and the quantiles' bins of windows that have not moved on. The process's
 * own view (`scope: 'process'`) begins from there too, as after a restart, so that rates go on. Gauges cannot be taken out:
 * in the modes that keep those of dead processes, the archive's value stands beside the living one for `deadRetention`, as that of any
 * process that died.
 *
 * Two cases remain in which counts stand twice. After a silence of more than a day no archive names the file. And a mapping
 * cannot tell what of it somebody else has read, for every count is in the file at once; but a mapped file is locked, and
 * only where locks do not reach (directories shared between virtual machines) could its process be taken for dead at all.
 */
import { basename, join } from 'node:path';
import { openArchive } from '../archive/archive-file.js';
import { parseDataFileName } from '../directory/file-name.js';
import { scanDirectory } from '../directory/scan.js';
import type { FileBytes } from '../metrics-file/file-bytes.js';
import { BlockKind, SKETCH } from '../metrics-file/layout.js';
import type { Attachment } from './series.js';
import type { SeriesStore } from './series-store.js';
import type { Cells } from './value-blocks.js';

/** Whether the archive that counts names a file, as one whose counts it has. */
export class ArchiveWatch {
  #archive = '';
  #absorbed: ReadonlySet<string> = new Set();

  /** Never throws: an archive that cannot be read counts for no reader either. */
  names(dir: string, path: string): boolean {
    const id = parseDataFileName(basename(path))?.id;
    try {
      this.#readNewest(dir);
    } catch {
      return false;
    }
    return id !== undefined && this.#absorbed.has(id);
  }

  #readNewest(dir: string): void {
    const { archives, dataFiles } = scanDirectory(dir);
    for (const name of archives) {
      const path = join(dir, name.name);
      // archives do not change
      if (path === this.#archive) return;
      try {
        const { reader, record } = openArchive(dir, name, dataFiles);
        reader.close();
        this.#archive = path;
        this.#absorbed = record.absorbed;
        return;
      } catch {
        // damaged, or not believed: readers take the next one, too
      }
    }
    this.#archive = '';
    this.#absorbed = new Set();
  }
}

/** Takes out of everything that adds up what a file of this process holds on disk. */
export function takeOutAbsorbed(store: SeriesStore, file: FileBytes): void {
  const now = Date.now() / 1000;
  for (const family of store.families) {
    if (family.kind !== BlockKind.Sum && family.kind !== BlockKind.Histogram) continue;
    // of these the highest value of any file of the process counts, also of one in the archive
    if (family.declaration.processWide === true) continue;
    for (const series of family.logged()) {
      if (series.publishedIn === 0) continue;
      subtract(series, file, 0, family.slots);
      // as OpenMetrics wants it for a series that begins again
      series.createdAt = now;
      for (const attachment of series.attachments ?? []) {
        if (attachment.publishedIn > 0) takeOutSketch(attachment, file);
      }
    }
  }
}

function takeOutSketch(chunk: Attachment, file: FileBytes): void {
  if (chunk.role.kind !== 'sketch') return;
  const { view, index } = chunk;
  const onDisk = file.fileSlots(chunk.block!.number);
  for (let window = 0; window < chunk.role.windows; window++) {
    const epoch = window * SKETCH.windowSlots;
    // a window that has moved on since has nothing of what was absorbed
    if (onDisk?.[index + epoch] === view[index + epoch]) subtract(chunk, file, epoch + 1, SKETCH.bins);
  }
}

function subtract({ block, view, index }: Cells, file: FileBytes, from: number, slots: number): void {
  const onDisk = file.fileSlots(block!.number);
  if (onDisk === undefined) return;
  for (let at = index + from; at < index + from + slots; at++) {
    // equal: also where both are infinite, or no number
    view[at] = Object.is(view[at], onDisk[at]) ? 0 : view[at] - onDisk[at];
  }
}
