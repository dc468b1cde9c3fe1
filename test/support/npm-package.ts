import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { lock } from 'proper-lockfile';

const KEPT = join(__dirname, '..', '..', '..', 'node_modules', '.fetched');

/**
 * Returns the folder of a package that not every machine can install or not every test needs, such as one that requires a
 * newer Node.js. It is fetched from npm when a test first needs it, with its dependencies but without peer dependencies, and
 * kept until node_modules is installed again.
 *
 * @param spec the package spec for npm, if it is not `name@version`
 */
export async function npmPackage(name: string, version: string, spec = `${name}@${version}`): Promise<string> {
  const folder = `${name.replaceAll('/', '+')}-${version}`;
  const kept = join(KEPT, folder);
  const place = join(kept, 'node_modules', name);
  if (existsSync(place)) return place;
  await mkdir(dirname(kept), { recursive: true });
  // test files that need the package at the same time fetch it once; a folder at its final place is always complete
  const release = await lock(kept, {
    realpath: false,
    stale: 20_000,
    retries: { retries: 3000, minTimeout: 100, maxTimeout: 100 },
    onCompromised: () => {},
  });
  try {
    if (!existsSync(place)) await fetchPackage(spec, folder);
  } finally {
    await release();
  }
  return place;
}

/** prom-client's successor, `@prometheus-io/client`: it declares Node 22. */
export function successor(): Promise<string> {
  return npmPackage('@prometheus-io/client', '0.16.1');
}

/** Call this with the lock held: any other download in the folder then belongs to a process that was killed. */
async function fetchPackage(spec: string, folder: string): Promise<void> {
  const unfinished = `${folder}-`;
  for (const name of await readdir(KEPT)) {
    if (name.startsWith(unfinished)) await rm(join(KEPT, name), { recursive: true, force: true });
  }
  const fetched = await mkdtemp(join(KEPT, unfinished));
  // npm treats a folder without a package.json as a part of the package around it
  await writeFile(join(fetched, 'package.json'), '{ "private": true }\n');
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=peer'];
  await promisify(execFile)('npm', ['install', '--prefix', fetched, ...options, spec]);
  // some tests run as another user, and only the owner may enter a folder made by mkdtemp
  await chmod(fetched, 0o755);
  await rename(fetched, join(KEPT, folder));
}
