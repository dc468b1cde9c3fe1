/**
 * Handles a process that was taken for dead while it lives: its file has no lock, its heartbeat was stale for long (the process
 * was stopped, or cut off with its host), and a fold on another host of the same name has moved its file into an archive. No reader
 * counts that file any more. The process continues in a new file, which starts without the counts of the archive, so that nothing
 * counts twice.
 *
 * The archive has the values of the file at the time of the fold, which are the last ones that the process wrote to it: a written
 * file keeps a copy in memory of its state on disk. After a silence a process checks before it writes again, and it does not write to
 * a file that was removed. So the two are equal, except for writes between the fold's reading and removing of the file. Those counts
 * are lost, a flush or a few, where the process wakes up in the middle of a fold, or where only its host's clock is wrong.
 *
 * Values that are added up are subtracted: counters, buckets, sums, and the bins of quantiles in windows that have not moved on. The
 * process's own view (`scope: 'process'`) starts from there too, as after a restart, so that rates stay correct. Gauges cannot be
 * subtracted: in modes that keep those of dead processes, the archive's value stays beside the living one for `deadRetention`, like
 * that of any dead process.
 *
 * Two cases remain in which values count twice. After a silence of more than a day no archive names the file. And for a mapping the
 * process cannot know which values a fold has read, because every count is in the file at once; but a mapped file is locked, and only
 * where locks do not work (directories shared between virtual machines) could its process be taken for dead at all.
 */
import { basename, join } from 'node:path';
import type * as archiveFile from '../archive/archive-file.js';
import { parseDataFileName } from '../directory/file-name.js';
import { scanDirectory } from '../directory/scan.js';
import type { FileBytes } from '../metrics-file/file-bytes.js';
import { BlockKind, SKETCH } from '../metrics-file/layout.js';
import { nativeSlots } from '../model/native-bins.js';
import type { Attachment } from './series.js';
import type { SeriesStore } from './series-store.js';
import type { Cells } from './value-blocks.js';

/** Whether the archive that counts names a file as absorbed. */
export class ArchiveWatch {
  #archive = '';
  #absorbed: ReadonlySet<string> = new Set();

  /** Never throws: an archive that cannot be read does not count for readers either. */
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
    // loaded here and not at the top: few processes are ever taken for dead
    const { openArchive } = require('../archive/archive-file.js') as typeof archiveFile;
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
        // damaged, or not trusted: readers take the next one, too
      }
    }
    this.#archive = '';
    this.#absorbed = new Set();
  }
}

/** Subtracts the values that a file of this process has on disk from everything that is added up. */
export function takeOutAbsorbed(store: SeriesStore, file: FileBytes): void {
  const now = Date.now() / 1000;
  for (const family of store.families) {
    if (family.kind !== BlockKind.Sum && family.kind !== BlockKind.Histogram) continue;
    // for these the highest value of any file of the process counts, also of a file in the archive
    if (family.declaration.processWide === true) continue;
    for (const series of family.logged()) {
      if (series.publishedIn === 0) continue;
      subtract(series, file, 0, family.slots);
      // as OpenMetrics requires for a series that starts again
      series.createdAt = now;
      for (const attachment of series.attachments ?? []) {
        if (attachment.publishedIn > 0) takeOutAttachment(attachment, file);
      }
    }
  }
}

function takeOutAttachment(chunk: Attachment, file: FileBytes): void {
  if (chunk.role.kind === 'native') subtract(chunk, file, 0, nativeSlots(chunk.role));
  if (chunk.role.kind !== 'sketch') return;
  const { view, index } = chunk;
  const onDisk = file.fileSlots(chunk.block!.number);
  for (let window = 0; window < chunk.role.windows; window++) {
    const epoch = window * SKETCH.windowSlots;
    // a window that has moved on since then contains none of the absorbed values
    if (onDisk?.[index + epoch] === view[index + epoch]) subtract(chunk, file, epoch + 1, SKETCH.bins);
  }
}

function subtract({ block, view, index }: Cells, file: FileBytes, from: number, slots: number): void {
  const onDisk = file.fileSlots(block!.number);
  if (onDisk === undefined) return;
  for (let at = index + from; at < index + from + slots; at++) {
    // equal: also where both are infinite or NaN
    view[at] = Object.is(view[at], onDisk[at]) ? 0 : view[at] - onDisk[at];
  }
}
