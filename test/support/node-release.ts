import { join } from 'node:path';
import { npmPackage } from './npm-package.js';

/** The releases of Node.js that some tests run under, in addition to the one that runs the tests. */
const VERSIONS = { 22: '22.23.3', 24: '24.21.0', 26: '26.12.1' } as const;

export type NodeMajor = keyof typeof VERSIONS;
export const OTHER_NODE_MAJORS: readonly NodeMajor[] = [22, 24, 26];

/** Returns the path of another release of Node.js. npm has each release as packages with one binary per platform. */
export async function nodeRelease(major: NodeMajor): Promise<string> {
  const version = VERSIONS[major];
  const release = `node-${process.platform}-${process.arch}`;
  return join(await npmPackage(release, version), 'bin', 'node');
}
