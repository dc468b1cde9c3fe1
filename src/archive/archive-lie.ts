/**
 * An archive names the files whose counts it has, and readers pass those over. One that names the file of a living process
 * lies: its counts cannot be those of that process, and a fold that believed it would remove the file.
 */
import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { BadFileError, isSystemTrouble } from '../errors.js';
import { type DataFileName, isNamedAfter } from '../directory/file-name.js';
import { LivenessProbe } from '../directory/liveness.js';
import { openForReading, readHeader } from '../metrics-file/header.js';
import type { ArchiveRecord } from './archive-record.js';

/**
 * @param dataFiles all that are in the directory
 * @param probe remembers the files that were found to be of dead processes
 * @throws {BadFileError} ERR_CORRUPT_FILE where the archive names a file whose writer lives
 */
export function assertNoLie(
  dir: string,
  { file, record }: { readonly file: string; readonly record: ArchiveRecord },
  dataFiles: readonly DataFileName[],
  probe = new LivenessProbe(),
): void {
  for (const name of dataFiles) {
    if (!record.absorbed.has(name.id) || probe.isKnownDead(name.id) || !hasLivingWriter(dir, name, probe)) continue;
    const reason = `it names ${name.name} as one of a dead process, and that process lives`;
    throw new BadFileError('ERR_CORRUPT_FILE', reason, { file, offset: 0 });
  }
}

/**
 * Only files with a lock are asked about. A writer without one may have been taken for dead while it was stopped, and then
 * an archive names it truly (storage/absorbed-counts.ts).
 */
function hasLivingWriter(dir: string, name: DataFileName, probe: LivenessProbe): boolean {
  try {
    const path = join(dir, name.name);
    const fd = openForReading(path);
    try {
      const header = readHeader(fd, path);
      const { identity } = header;
      return identity.liveness === 'flock' && isNamedAfter(name, identity) && probe.probe(fd, header) === 'live';
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (isSystemTrouble(error)) throw error;
    // gone, not to be read, or no metrics file: it counts nowhere
    return false;
  }
}
