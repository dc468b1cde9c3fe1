/** Reading a log while its writer continues. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FileReader } from '../../src/metrics-file/reader.js';
import { encodeDefaultLabels } from '../../src/metrics-file/record.js';
import type { FileWriter } from '../../src/metrics-file/writer.js';
import { withTempDir } from '../support/temp-dir.js';
import { createWriter } from '../support/written-file.js';

const RECORDS = 4000;

/** All records have the same length, so that a reader finds records wherever it continues. */
function recordOf(log: string): Uint8Array {
  return encodeDefaultLabels(log, { zone: 'a'.repeat(60) });
}

function newLog(writer: FileWriter, name: string): void {
  const draft = writer.beginLog()!;
  for (let at = 0; at < RECORDS; at++) assert.ok(draft.append(recordOf(name)));
  draft.publish();
}

test('a reader that pauses in a log that is overwritten meanwhile passes on the present log alone', (t) => {
  const writer = createWriter(withTempDir(t));
  const reader = new FileReader(writer.bytes.path);
  let read: string[] = [];
  const visitor = {
    restart: () => (read = []),
    series: () => assert.fail('there are none'),
    other: (_: number, body: () => unknown) => read.push((body() as { registry: string }).registry),
  };
  newLog(writer, 'a');
  assert.equal(reader.readLog(visitor), false);
  assert.ok(read.length > 0 && read.length < RECORDS, 'it has paused');
  newLog(writer, 'b');
  newLog(writer, 'c');
  while (!reader.readLog(visitor));
  assert.deepEqual(
    read,
    Array.from({ length: RECORDS }, () => 'c'),
  );
  reader.close();
  writer.close();
});
