/**
 * An archive names the files whose counts it contains, and readers ignore those files. An archive that names the file of a
 * living process makes a false claim: it cannot contain the counts of that process, and a fold that believed it would
 * remove the file.
 */
import { join } from 'node:path';
import { BadFileError, isSystemTrouble } from '../errors.js';
import { type DataFileName, isNamedAfter } from '../directory/file-name.js';
import { LivenessProbe } from '../directory/liveness.js';
import { withHeader } from '../metrics-file/header.js';
import type { ArchiveRecord } from './archive-record.js';

/**
 * @param dataFiles all data files of the directory
 * @throws {BadFileError} ERR_CORRUPT_FILE where the archive names a file whose writer lives
 */
export function* assertTrueClaims(
  dir: string,
  { file, record }: { readonly file: string; readonly record: ArchiveRecord },
  dataFiles: readonly DataFileName[],
  probe = new LivenessProbe(),
): Generator<void, void> {
  for (const name of dataFiles) {
    yield;
    if (!record.absorbed.has(name.id) || probe.isKnownDead(name.id) || !hasLivingWriter(dir, name, probe)) continue;
    const reason = `it names ${name.name} as one of a dead process, and that process lives`;
    throw new BadFileError('ERR_CORRUPT_FILE', reason, { file, offset: 0 });
  }
}

/**
 * Only files with a lock are tested. A writer without a lock may have been taken for dead while it was stopped, and then an
 * archive rightly names its file (storage/absorbed-counts.ts).
 */
function hasLivingWriter(dir: string, name: DataFileName, probe: LivenessProbe): boolean {
  try {
    return withHeader(join(dir, name.name), (header, fd) => {
      const { identity } = header;
      return identity.liveness === 'flock' && isNamedAfter(name, identity) && probe.probe(fd, header) === 'live';
    });
  } catch (error) {
    if (isSystemTrouble(error)) throw error;
    // missing, unreadable, or not a metrics file: it is not counted anywhere
    return false;
  }
}
