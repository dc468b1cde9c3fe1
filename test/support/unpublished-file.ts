import { join } from 'node:path';
import { dataFileName, temporaryName } from '../../src/directory/file-name.js';
import type { FileBytes } from '../../src/metrics-file/file-bytes.js';
import type { ProcessIdentity } from '../../src/metrics-file/layout.js';
import { MappedBytes } from '../../src/metrics-file/mapped-bytes.js';
import { native } from '../../src/metrics-file/mapping.js';
import { FileWriter } from '../../src/metrics-file/writer.js';
import { WrittenBytes } from '../../src/metrics-file/written-bytes.js';

/** A data file of the real writer under its temporary name. `bytes.publish(path)` makes it visible to readers. */
export interface UnpublishedFile {
  readonly writer: FileWriter;
  /** The final path of the file. */
  readonly path: string;
}

export function unpublishedFile(
  dir: string,
  identity: ProcessIdentity,
  { isMapped, maxBytes, mode }: { readonly isMapped: boolean; readonly maxBytes?: number; readonly mode?: number },
): UnpublishedFile {
  const name = dataFileName(identity);
  const options = { temporaryPath: join(dir, temporaryName(name)), maxBytes, mode };
  const bytes: FileBytes = isMapped ? MappedBytes.create(native()!, options) : new WrittenBytes(options);
  return { writer: new FileWriter(bytes, identity), path: join(dir, name) };
}
