import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A directory of its own for a test, gone after it. */
export function temporaryDirectory(t: TestContext): string {
  const dir = mkdtempSync(join(realpathSync(tmpdir()), 'prom-multiproc-test-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}
