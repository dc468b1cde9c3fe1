import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { lock } from 'proper-lockfile';

const ROOT = join(__dirname, '..', '..', '..');

/** The releases that tests run under besides the one that runs the tests. */
const VERSIONS = { 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' } as const;

export type NodeMajor = keyof typeof VERSIONS;
export const OTHER_NODE_MAJORS: readonly NodeMajor[] = [22, 24, 26];

const BINARY = join('node_modules', 'release', 'bin', 'node');

/**
 * The path of another release of node, from npm, where it is kept as packages of one file for each platform. Fetched when a
 * test first asks for it (a few seconds), and kept until node_modules is made anew.
 */
export async function nodeRelease(major: NodeMajor): Promise<string> {
  const kept = join(ROOT, 'node_modules', '.node-releases', VERSIONS[major]);
  const binary = join(kept, BINARY);
  if (existsSync(binary)) return binary;
  await mkdir(dirname(kept), { recursive: true });
  // so that test files which want it at once fetch its 190 MB once; what they find is whole with a lock or without
  const release = await lock(kept, {
    realpath: false,
    stale: 20_000,
    retries: { retries: 3000, minTimeout: 100, maxTimeout: 100 },
    onCompromised: () => {},
  });
  try {
    if (!existsSync(binary)) await fetchRelease(VERSIONS[major], kept);
  } finally {
    await release();
  }
  return binary;
}

/** With the lock held, so that any other download there is one whose process was killed. */
async function fetchRelease(version: string, kept: string): Promise<void> {
  const unfinished = `${version}-`;
  for (const name of await readdir(dirname(kept))) {
    if (name.startsWith(unfinished)) await rm(join(dirname(kept), name), { recursive: true, force: true });
  }
  const fetched = await mkdtemp(join(dirname(kept), unfinished));
  // a folder that is no package would be taken for a part of the one around it
  await writeFile(join(fetched, 'package.json'), '{ "private": true }\n');
  const release = `release@npm:node-${process.platform}-${process.arch}@${version}`;
  await promisify(execFile)('npm', ['install', '--prefix', fetched, '--no-audit', '--no-fund', release]);
  // some tests run under another uid, and what mkdtemp makes is its maker's alone
  await chmod(fetched, 0o755);
  await rename(fetched, kept);
}
