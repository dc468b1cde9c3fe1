import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { checkFile as check } from '../../src/metrics-file/check.js';
import { afterTest } from './after-test.js';

/** Checks one data file and throws if it breaks the format. */
export type FileChecker = (path: string) => void | Promise<void>;

let checkFile: FileChecker = (path) => {
  const { ok, problems } = check(path);
  assert.ok(ok, `${path} breaks the format: ${JSON.stringify(problems)}`);
};

/**
 * Replaces the check of the data files that tests leave in directories of `withTempDir`. As in the tests of bbolt, all are
 * checked.
 */
export function setFileChecker(checker: FileChecker): void {
  checkFile = checker;
}

export interface TempDirOptions {
  /** `false` if the test makes broken files on purpose. */
  readonly checkFiles?: boolean;
  /** The parent directory; by default in memory, on systems with /dev/shm. */
  readonly parent?: string;
}

/** Makes a directory for a test. It is removed after the test, when its data files have been checked. */
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

/**
 * Returns data files at any depth, since derived directories are below the one of the test. It follows no links: they lead
 * out of the test's directory.
 */
function dataFiles(dir: string): string[] {
  // some tests remove the directory itself
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) return dataFiles(path);
    return entry.name.endsWith('.prom-mp') ? [path] : [];
  });
}
