import { basename } from 'node:path';
import { type FileCheck, problemOf } from '../metrics-file/check.js';
import { completed } from '../time-slices.js';
import { DbReader } from './db-reader.js';
import { parsePythonFileName } from './file-name.js';
import { PythonSamples } from './python-keys.js';

/** Whether a file is as client_python writes them. Never throws. */
export function checkPythonFile(path: string): FileCheck {
  const samples = new PythonSamples();
  const name = parsePythonFileName(basename(path))!;
  try {
    const reader = new DbReader(path);
    try {
      completed(reader.readKeys((words, from, to) => samples.sampleOf(0, name.type, words, from, to)));
      completed(reader.readValues());
    } finally {
      reader.close();
    }
    return { ok: true, problems: [], families: samples.families.size, series: seriesIn(samples), blocks: 0 };
  } catch (error) {
    return { ok: false, problems: [problemOf(error)], families: 0, series: 0, blocks: 0 };
  }
}

function seriesIn({ parsed }: PythonSamples): number {
  return new Set(parsed.map(({ family, labelValues }) => JSON.stringify([family, labelValues]))).size;
}
