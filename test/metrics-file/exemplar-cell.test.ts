import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readExemplarCell, writeExemplarCell } from '../../src/metrics-file/exemplar-cell.js';
import { EXEMPLAR } from '../../src/metrics-file/layout.js';
import { attachmentShape } from '../../src/metrics-file/attachment.js';

const SLOT = 3;

function block(): Float64Array {
  return new Float64Array(SLOT + attachmentShape({ kind: 'exemplar', slotOffset: 0 }).slots + 2);
}

function bytesOf(cells: Float64Array): Uint8Array {
  return new Uint8Array(cells.buffer, SLOT * 8, EXEMPLAR.bytes);
}

function read(cells: Float64Array): unknown {
  const reading = readExemplarCell(cells, SLOT);
  return reading && { ...reading, labels: { ...reading.labels } };
}

const labels = fc.dictionary(fc.stringMatching(/^[a-z_]{1,6}$/), fc.string({ unit: 'binary', maxLength: 12 }), {
  maxKeys: 6,
});

describe('An exemplar cell', () => {
  it('returns the exemplar that was written last', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ labels, value: fc.double(), timestamp: fc.double({ noNaN: true }) })),
        (written) => {
          const cells = block();
          assert.equal(read(cells), undefined);
          for (const exemplar of written) {
            assert.ok(writeExemplarCell(cells, SLOT, exemplar));
            assert.deepEqual(read(cells), { ...exemplar, labels: { ...exemplar.labels } });
          }
          assert.deepEqual([...cells.subarray(0, SLOT), ...cells.subarray(-2)], [0, 0, 0, 0, 0]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('has room for the 128 characters that OpenMetrics allows, of any width', () => {
    const widest = { a: '😀'.repeat(127) };
    const cells = block();
    assert.ok(writeExemplarCell(cells, SLOT, { labels: widest, value: 1, timestamp: 2 }));
    assert.deepEqual(read(cells), { labels: widest, value: 1, timestamp: 2 });
  });

  it('stays as it is where the labels do not fit', () => {
    const cells = block();
    const exemplar = { labels: { a: 'x' }, value: 1, timestamp: 2 };
    writeExemplarCell(cells, SLOT, exemplar);
    assert.equal(writeExemplarCell(cells, SLOT, { labels: { a: 'x'.repeat(1000) }, value: 3, timestamp: 4 }), false);
    assert.deepEqual(read(cells), exemplar);
  });

  it('is not read while it is written, nor when a byte of it is not what was written', () => {
    const cells = block();
    writeExemplarCell(cells, SLOT, { labels: { trace_id: 'abc' }, value: 1.5, timestamp: 1700000000 });
    const bytes = bytesOf(cells);
    const length = EXEMPLAR.labels + new DataView(cells.buffer, SLOT * 8).getUint32(EXEMPLAR.length, true);
    for (let at = 0; at < length; at++) {
      if (at >= EXEMPLAR.length + 4 && at < EXEMPLAR.labels) continue;
      bytes[at] ^= 1;
      const reading = read(cells);
      // another even sequence number is as valid as the former one
      if (at > 3 || at === 0) assert.equal(reading, undefined, `byte ${at}`);
      bytes[at] ^= 1;
    }
    assert.notEqual(read(cells), undefined);
  });

  it('takes any bytes for no exemplar, not for an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: EXEMPLAR.bytes, maxLength: EXEMPLAR.bytes }), (garbage) => {
        const cells = block();
        bytesOf(cells).set(garbage);
        assert.equal(read(cells), undefined);
      }),
    );
  });

  it('is not there where the block ends before it', () => {
    const cells = block();
    assert.equal(readExemplarCell(cells, SLOT + 3), undefined);
    assert.equal(readExemplarCell(cells, -1), undefined);
  });
});
