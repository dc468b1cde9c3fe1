import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(__dirname, '..', '..', '..');
const PAGES = ['.github/CONTRIBUTING.md', '.github/SECURITY.md', 'src/README.md'];

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}

/** The lines of the blocks of a shell, without their comments. */
function commandsOf(page: string): string[] {
  const blocks = [...read(page).matchAll(/^```sh\n([^]*?)^```/gm)];
  return blocks.flatMap(([, block]) => block.split('\n').map((line) => line.replace(/\s+#.*/, ''))).filter(Boolean);
}

test('every npm script that contributors are told to run is there', () => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const named = commandsOf(PAGES[0]).flatMap((line) => [...line.matchAll(/npm (?:run ([\w:]+)|(test))/g)]);
  assert.ok(named.length > 8);
  for (const [, script, itself] of named) assert.ok((script ?? itself) in scripts, script);
});

test('every path that is named for contributors is there', () => {
  for (const page of PAGES) {
    const text = read(page);
    const quoted = [...text.matchAll(/`((?:src|test|bench|examples|\.ci|\.github)\/[\w./{},-]*)`/g)].map(
      ([, path]) => path,
    );
    for (const path of quoted) assert.ok(existsSync(join(ROOT, path)), `${page} names ${path}`);
    for (const [, link] of text.matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)) {
      assert.ok(existsSync(join(ROOT, dirname(page), link)), `${page} links to ${link}`);
    }
  }
});

test('the tests of one file run as CONTRIBUTING says', () => {
  const command = commandsOf(PAGES[0]).find((line) => line.endsWith('.test.ts'));
  const [, file] = /^npm test -- (\S+)$/.exec(command ?? '') ?? [];
  const run = spawnSync(process.execPath, [join(ROOT, 'dist/test/run.js'), file], {
    encoding: 'utf8',
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  assert.equal(run.status, 0, run.stdout + run.stderr);
  assert.match(run.stdout, /^# fail 0$/m);
});

test('a release can be tried without making one', () => {
  const before = read('.github/CHANGELOG.md');
  const { status, stdout, stderr } = spawnSync(process.execPath, ['.ci/release.mjs', '9.9.9', '--dry-run'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, /would run: git tag --annotate v9\.9\.9/);
  assert.equal(read('.github/CHANGELOG.md'), before);
  const wrong = spawnSync(process.execPath, ['.ci/release.mjs', 'next'], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(wrong.status, 1);
  assert.match(wrong.stderr, /which version\? npm run release -- 0\.2\.0/);
});
