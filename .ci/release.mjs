// Makes a release: `npm run release -- 0.2.0`, with `--dry-run` to see what would be done. It gives the changelog's «Unreleased» the
// version and the date, sets the version in package.json and the lock file, commits and tags. Publishing is `npm publish`
// from that tag.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CHANGELOG = fileURLToPath(new URL('../.github/CHANGELOG.md', import.meta.url));
const HEADING = '## [Unreleased]';

const args = process.argv.slice(2);
const isDryRun = args.includes('--dry-run');
const version = args.find((arg) => !arg.startsWith('--'));

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, ...commandArgs) {
  console.log(`${isDryRun ? 'would run' : 'running'}: ${command} ${commandArgs.join(' ')}`);
  if (!isDryRun) execFileSync(command, commandArgs, { cwd: ROOT, stdio: 'inherit' });
}

if (!/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version ?? '')) {
  fail('which version? npm run release -- 0.2.0 [--dry-run]');
}

const changed = execFileSync('git', ['status', '--porcelain'], { cwd: ROOT, encoding: 'utf8' });
if (changed !== '' && !isDryRun) fail(`commit these first:\n${changed}`);

const changelog = readFileSync(CHANGELOG, 'utf8');
const [before, after] = changelog.split(`${HEADING}\n`);
const notes = after?.split(/^## /m)[0].trim();
if (!notes) fail(`.github/CHANGELOG.md has nothing below «${HEADING}»`);

const date = new Date().toISOString().slice(0, 10);
const released = `${before}${HEADING}\n\n## [${version}] - ${date}\n${after}`;
console.log(`the notes of ${version}:\n\n${notes}\n`);
if (isDryRun) console.log('would write: .github/CHANGELOG.md');
else writeFileSync(CHANGELOG, released);
run('npm', 'version', version, '--no-git-tag-version');
run('npm', 'run', 'check');
run('git', 'commit', '--all', '--message', `Release ${version}`);
run('git', 'tag', '--annotate', `v${version}`, '--message', `prom-multiproc ${version}`);
