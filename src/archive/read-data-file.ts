import { join } from 'node:path';
import { type DataFileName, isNamedAfter } from '../directory/file-name.js';
import { assertTrusted, type Trust } from '../directory/trust.js';
import { FileReader } from '../metrics-file/reader.js';
import { type FoldSkip, skipOf } from './fold-result.js';

/**
 * Opens the file of a process for the time of a call.
 *
 * @returns what `use` returns; where the file cannot be used, why
 */
export function readDataFile(
  dir: string,
  trust: Trust,
  name: DataFileName,
  use: (reader: FileReader) => boolean,
): boolean | FoldSkip {
  try {
    const reader = new FileReader(join(dir, name.name));
    try {
      assertTrusted(trust, reader);
      return isNamedAfter(name, reader.header.identity) ? use(reader) : 'not_a_metrics_file';
    } finally {
      reader.close();
    }
  } catch (error) {
    return skipOf(error);
  }
}
