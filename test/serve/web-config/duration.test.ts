import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDurationMs } from '../../../src/serve/web-config/duration.js';

const CASES: readonly (readonly [text: string, milliseconds: number | undefined])[] = [
  ['0', 0],
  ['0s', 0],
  ['1s', 1000],
  ['250ms', 250],
  ['1.5s', 1500],
  ['1h30m', 5_400_000],
  ['1m1s1ms', 61_001],
  ['500us', 0.5],
  ['500µs', 0.5],
  ['', undefined],
  ['1', undefined],
  ['s', undefined],
  ['-1s', undefined],
  ['1 s', undefined],
  ['1d', undefined],
  ['1s ', undefined],
  ['.5s', undefined],
  ['1e3s', undefined],
];

for (const [text, milliseconds] of CASES) {
  test(`the duration ${JSON.stringify(text)} is ${milliseconds} ms`, () =>
    assert.equal(parseDurationMs(text), milliseconds));
}
