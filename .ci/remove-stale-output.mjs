// tsc leaves what it made of a source that is gone: a deleted test would go on running, a deleted module go on working.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..');
const DIST = join(ROOT, 'dist');

if (existsSync(DIST)) {
  for (const output of readdirSync(DIST, { recursive: true })) {
    const [, stem, m] = /^((?:src|test|bench|examples)\/.*?)\.(?:d\.)?([mc]?)(?:ts|js)$/.exec(output) ?? [];
    const isStale =
      stem !== undefined && !['ts', 'js'].some((ending) => existsSync(join(ROOT, `${stem}.${m}${ending}`)));
    if (isStale) rmSync(join(DIST, output));
  }
}
