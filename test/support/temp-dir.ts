import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { checkFile as check } from '../../src/metrics-file/check.js';
import { afterTest } from './after-test.js';

/** Looks at one data file and throws where the format is broken. */
export type FileChecker = (path: string) => void | Promise<void>;

let checkFile: FileChecker = (path) => {
  const { ok, problems } = check(path);
  assert.ok(ok, `${path} breaks the format: ${JSON.stringify(problems)}`);
};

/** Another check of the data files that tests leave in directories of `withTempDir`: as bbolt does, all are checked. */
export function setFileChecker(checker: FileChecker): void {
  checkFile = checker;
}

export interface TempDirOptions {
  /** `false` where the test puts broken files there on purpose. */
  readonly checkFiles?: boolean;
  /** Where to make it; by default in memory, where /dev/shm is. */
  readonly parent?: string;
}

/** Makes a directory of its own for a test; removed after it, once its data files were found whole. */
export function withTempDir(
  t: TestContext,
  { checkFiles = true, parent = defaultParent() }: TempDirOptions = {},
): string {
  const dir = mkdtempSync(join(parent, 'prom-multiproc-test-'));
  afterTest(t, async () => {
    try {
      if (checkFiles) for (const file of dataFiles(dir)) await checkFile(file);
    } finally {
      rmSync(dir, { recursive: true, force: true, maxRetries: 3 });
    }
  });
  return dir;
}

function defaultParent(): string {
  return existsSync('/dev/shm') ? '/dev/shm' : realpathSync(tmpdir());
}

/** At any depth, for derived directories lie below the one that a test hands out; links lead to what is not the test's. */
function dataFiles(dir: string): string[] {
  // the test may have removed the directory itself: that is what some are about
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return dataFiles(path);
    return entry.name.endsWith('.prom-mp') ? [path] : [];
  });
}
