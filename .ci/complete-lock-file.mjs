// Adds to package-lock.json the optional packages of other platforms that npm left out: it does so where the registry has
// not got them yet, or where node_modules was there already, and then refuses its own file: `npm ci` says
// «Missing: @oxlint/binding-darwin-arm64@ from lock file». Nothing of them is fetched where they do not belong.
import { readFileSync, writeFileSync } from 'node:fs';

const LOCK_FILE = new URL('../package-lock.json', import.meta.url);
const OS = /(?<![a-z])(aix|android|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|win32)(?![a-z0-9])/;
const CPU = /(?<![a-z])(arm64|arm|ia32|loong64|mips64el|ppc64|riscv64|s390x|wasm32|x64)(?![a-z0-9])/;

const lock = JSON.parse(readFileSync(LOCK_FILE, 'utf8'));
for (const parent of Object.values(lock.packages)) {
  for (const [name, range] of Object.entries(parent.optionalDependencies ?? {})) {
    const path = `node_modules/${name}`;
    if (Object.keys(lock.packages).some((other) => other === path || other.endsWith(`/${path}`))) continue;
    const [, platform] = name.split('/');
    const [os, cpu] = [OS, CPU].map((pattern) => pattern.exec(platform ?? name)?.[0]);
    if (os === undefined && cpu === undefined) throw new Error(`${name}: which platform is it for?`);
    lock.packages[path] = {
      version: range.replace(/^[~^]/, ''),
      ...(cpu && { cpu: [cpu] }),
      ...(parent.dev && { dev: true }),
      ...(/musl|gnu/.test(name) && { libc: [name.includes('musl') ? 'musl' : 'glibc'] }),
      optional: true,
      ...(os && { os: [os] }),
    };
    console.log(`added ${path}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).toSorted(([a], [b]) => a.localeCompare(b, 'en')));
writeFileSync(LOCK_FILE, `${JSON.stringify(lock, null, 2)}\n`);
