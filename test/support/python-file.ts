/** The bytes of client_python's files, written as its mmap_dict.py does. */

export interface PythonEntry {
  readonly key: string;
  readonly value: number;
  readonly timestamp?: number;
}

/** @param hasTimestamps as of release 0.18 */
export function pythonFile(entries: readonly PythonEntry[], hasTimestamps: boolean, minBytes = 4096): Buffer {
  const parts = entries.map((entry) => pythonEntry(entry, hasTimestamps));
  const used = parts.reduce((sum, { length }) => sum + length, 8);
  const file = Buffer.alloc(Math.max(minBytes, used));
  file.writeInt32LE(used, 0);
  parts.reduce((at, part) => at + part.copy(file, at), 8);
  return file;
}

export function pythonEntry({ key, value, timestamp = 0 }: PythonEntry, hasTimestamps: boolean): Buffer {
  const text = Buffer.from(key);
  const valueAt = 4 + text.length + 8 - ((text.length + 4) % 8);
  const entry = Buffer.alloc(valueAt + (hasTimestamps ? 16 : 8), ' ');
  entry.writeInt32LE(text.length, 0);
  text.copy(entry, 4);
  entry.writeDoubleLE(value, valueAt);
  if (hasTimestamps) entry.writeDoubleLE(timestamp, valueAt + 8);
  return entry;
}

export function pythonKey(
  metric: string,
  sample: string,
  labels: Readonly<Record<string, string>> = {},
  help = 'Help',
): string {
  return JSON.stringify([metric, sample, labels, help]);
}
