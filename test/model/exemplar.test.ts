import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validateExemplarLabels } from '../../src/model/exemplar.js';

const TOO_LONG = { name: 'RangeError', message: 'Label set size must be smaller than 128 UTF-8 chars' };

describe('labels of an exemplar', () => {
  it('are a copy with values as text', () => {
    const given = { trace_id: '4bf9', span: 7 };
    const labels = validateExemplarLabels(given);
    given.trace_id = 'changed';
    assert.deepEqual({ ...labels }, { trace_id: '4bf9', span: '7' });
  });

  it('may have 128 characters in names and values together, and not one more', () => {
    validateExemplarLabels({ id: 'x'.repeat(60), ab: 'y'.repeat(64) });
    assert.throws(() => validateExemplarLabels({ id: 'x'.repeat(61), ab: 'y'.repeat(64) }), TOO_LONG);
  });

  it('are counted by characters, not by bytes or UTF-16 units', () => {
    validateExemplarLabels({ id: '😀'.repeat(126) });
    validateExemplarLabels({ id: 'é'.repeat(126) });
    assert.throws(() => validateExemplarLabels({ id: '😀'.repeat(127) }), TOO_LONG);
  });

  it('have lone surrogates replaced before they are counted', () => {
    const { id } = validateExemplarLabels({ id: '\ud83d'.repeat(126) });
    assert.equal(id, '\ufffd'.repeat(126));
  });

  it('need valid names', () => {
    assert.throws(() => validateExemplarLabels({ 'trace-id': 'x' }), {
      code: 'ERR_INVALID_ARGUMENT',
      message: `the exemplar label 'trace-id' is not a label name: use letters, digits and "_", and do not begin with a digit`,
    });
  });

  it('may have the name __proto__', () => {
    const labels = validateExemplarLabels(JSON.parse('{"__proto__":"x"}'));
    assert.deepEqual(Object.entries(labels), [['__proto__', 'x']]);
  });
});
