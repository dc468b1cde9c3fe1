import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const ROOT = join(__dirname, '..', '..', '..');

/** The releases that tests run under besides the one that runs the tests. */
const VERSIONS = { 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' } as const;

export type NodeMajor = keyof typeof VERSIONS;
export const OTHER_NODE_MAJORS: readonly NodeMajor[] = [22, 24, 26];

/**
 * The path of another release of node, from npm, where it is kept as packages of one file for each platform. Fetched when a
 * test first asks for it (a few seconds), and kept until node_modules is made anew.
 */
export async function nodeRelease(major: NodeMajor): Promise<string> {
  const kept = join(ROOT, 'node_modules', '.node-releases', VERSIONS[major]);
  const binary = join('node_modules', 'release', 'bin', 'node');
  if (!existsSync(join(kept, binary))) await fetchRelease(VERSIONS[major], kept);
  return join(kept, binary);
}

async function fetchRelease(version: string, kept: string): Promise<void> {
  await mkdir(join(kept, '..'), { recursive: true });
  const fetched = await mkdtemp(`${kept}-`);
  try {
    // a folder that is no package would be taken for a part of the one around it
    await writeFile(join(fetched, 'package.json'), '{ "private": true }\n');
    const release = `release@npm:node-${process.platform}-${process.arch}@${version}`;
    await promisify(execFile)('npm', ['install', '--prefix', fetched, '--no-audit', '--no-fund', release]);
    // another test may have been first
    await rename(fetched, kept).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(fetched, { recursive: true, force: true });
  }
}
