import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { type SourceFile, sourceFiles } from './support/source-file.js';

const ROOT = join(__dirname, '..', '..');

/** What the owner of the project wants to see in the root folder; what git does not keep and dotfiles are not counted. */
const TOP_LEVEL = [
  'LICENSE',
  'README.md',
  'bench',
  'examples',
  'package-lock.json',
  'package.json',
  'src',
  'test',
  'tsconfig.json',
];
const NOT_KEPT = ['coverage', 'dist', 'node_modules'];

/** The rooms of src/, each below all that it may import from: imports run upwards only. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  // what every room may use
  'test-runner': [],
  'program-file': [],
  copies: ['test-runner'],
  errors: ['copies'],
  'warn-once': ['copies'],
  'debug-log': [],
  within: [],
  'time-slices': [],
  model: ['errors'],

  // the file, and its text form
  'metrics-file': ['program-file', 'errors', 'time-slices', 'model'],
  exposition: ['errors', 'warn-once', 'time-slices', 'model'],

  // the write arm
  directory: ['errors', 'test-runner', 'warn-once', 'time-slices', 'model', 'metrics-file'],
  archive: ['program-file', 'errors', 'warn-once', 'time-slices', 'model', 'metrics-file', 'directory'],
  storage: [
    ...['test-runner', 'copies', 'errors', 'warn-once', 'debug-log', 'time-slices', 'model', 'metrics-file'],
    ...['directory', 'archive'],
  ],
  registry: ['copies', 'errors', 'warn-once', 'model', 'exposition', 'directory', 'storage'],
  instruments: ['copies', 'errors', 'warn-once', 'model', 'metrics-file', 'storage', 'registry'],

  // the read arm
  merge: ['errors', 'time-slices', 'model', 'metrics-file', 'exposition', 'directory', 'archive'],
  'python-file': ['errors', 'time-slices', 'model', 'metrics-file', 'directory', 'merge'],
  collector: [
    ...['program-file', 'errors', 'warn-once', 'debug-log', 'model', 'metrics-file', 'exposition', 'directory'],
    ...['time-slices', 'archive', 'storage'],
    ...['registry', 'merge', 'python-file'],
  ],
  serve: [
    ...['program-file', 'copies', 'errors', 'warn-once', 'within', 'model', 'exposition', 'directory', 'registry'],
    'collector',
  ],

  // around both
  cluster: ['errors', 'warn-once', 'model', 'directory', 'storage'],
  mirror: ['errors', 'warn-once', 'model', 'storage', 'registry', 'instruments'],
  'default-metrics': ['errors', 'warn-once', 'test-runner', 'model', 'registry', 'instruments', 'mirror'],
  // it leaves the default metrics out, and has to know their names
  push: [
    ...['errors', 'warn-once', 'within', 'time-slices', 'model', 'metrics-file', 'exposition'],
    ...['directory', 'registry', 'collector'],
    'default-metrics',
  ],
  'prom-client': [
    'program-file',
    ...[
      'copies',
      'errors',
      'warn-once',
      'debug-log',
      'model',
      'exposition',
      'directory',
      'storage',
      'registry',
      'instruments',
    ],
    ...['collector', 'serve', 'push', 'mirror', 'default-metrics'],
  ],
  'http-metrics': ['errors', 'warn-once', 'model', 'registry', 'instruments'],
  // the fast way from attributes to series
  otel: ['errors', 'warn-once', 'model', 'storage', 'registry', 'instruments'],
  cli: [
    ...['errors', 'warn-once', 'model', 'metrics-file', 'exposition', 'directory', 'archive', 'registry', 'merge'],
    ...['collector', 'serve', 'push', 'prom-client'],
    // check passes names that are not the user's
    'default-metrics',
  ],
};

/** What package.json's `exports` point at may draw on every room. */
const SURFACE = /^src\/(index|register|otel\/register|prom-client\/lib\/(metrics\/)?\w+)\.ts$/;

const WRITE_ARM = ['instruments', 'storage', 'registry', 'archive', 'directory'];
const READ_ARM = ['merge', 'collector', 'serve', 'push', 'cli'];

/** Packages that cost something to load: the only files that may name them. */
const CONFINED: Readonly<Record<string, RegExp>> = {
  koffi: /^src\/metrics-file\/libc\.ts$/,
  'proper-lockfile': /^src\/(archive\/fold|cli\/)[\w/-]*\.ts$/,
};

const MAX_LINES = 400;

const files = sourceFiles(ROOT, 'src');
const byPath = new Map(files.map((file) => [file.path, file]));

/** All that a file imports, directly or not, types included. */
function reachableFrom(start: SourceFile): Set<string> {
  const seen = new Set<string>();
  const waiting = [start.path];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    for (const imported of byPath.get(path)?.imports ?? []) {
      if (seen.has(imported.path)) continue;
      seen.add(imported.path);
      waiting.push(imported.path);
    }
  }
  return seen;
}

test('the table of rooms runs one way: a room names only rooms above it', () => {
  const rooms = Object.keys(ROOMS);
  for (const [at, room] of rooms.entries()) {
    const wrong = ROOMS[room].filter((other) => !rooms.slice(0, at).includes(other));
    assert.deepEqual(wrong, [], room);
  }
});

test('every file is in a room of the table, and imports from its own and those that its row names', () => {
  const violations: string[] = [];
  for (const file of files) {
    if (SURFACE.test(file.path)) continue;
    const row = ROOMS[file.room];
    if (row === undefined) violations.push(`${file.path} is in no room of the table`);
    for (const { path } of file.imports) {
      const room = byPath.get(path)?.room ?? path;
      if (room !== file.room && !row?.includes(room)) violations.push(`${file.path} imports ${path}`);
    }
  }
  assert.deepEqual(violations, []);
});

test('the write arm reaches nothing of the read arm', () => {
  const violations: string[] = [];
  for (const file of files.filter(({ room }) => WRITE_ARM.includes(room))) {
    for (const path of reachableFrom(file)) {
      if (READ_ARM.includes(byPath.get(path)?.room ?? '')) violations.push(`${file.path} reaches ${path}`);
    }
  }
  assert.deepEqual(violations, []);
});

test('no file imports itself by way of others, types included', () => {
  const circles = files.filter((file) => reachableFrom(file).has(file.path));
  assert.deepEqual(
    circles.map(({ path }) => path),
    [],
  );
});

test('costly packages are loaded from where the table says', () => {
  const violations: string[] = [];
  for (const [name, home] of Object.entries(CONFINED)) {
    for (const { path, packages } of files) {
      if (packages.includes(name) && !home.test(path)) violations.push(`${path} loads ${name}`);
    }
  }
  assert.deepEqual(violations, []);
});

test('the surface is gathered in src/index.ts alone: no folder has an index, no file exports all of another', () => {
  const barrels = files.filter(
    ({ path, text }) => (basename(path, '.ts') === 'index' && path !== 'src/index.ts') || /^export \*/m.test(text),
  );
  assert.deepEqual(
    barrels.map(({ path }) => path),
    [],
  );
});

test('folders and files have names of the field, in kebab-case', () => {
  const vague = /^(utils?|helpers?|common|misc|lib|data|manager|shared|types)$/;
  const parts = new Set(files.flatMap(({ path }) => path.replace(/\.ts$/, '').split('/')));
  // the deep imports of prom-client that public code uses are called lib and util there
  for (const { path } of files.filter((file) => SURFACE.test(file.path))) {
    for (const part of path.replace(/\.ts$/, '').split('/')) parts.delete(part);
  }
  assert.deepEqual(
    [...parts].filter((part) => vague.test(part) || !/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(part)),
    [],
  );
});

test(`a file is about one concept: no more than ${MAX_LINES} lines`, () => {
  const long = files.filter(({ lines }) => lines > MAX_LINES);
  assert.deepEqual(
    long.map(({ path, lines }) => `${path}: ${lines}`),
    [],
  );
});

test('nothing is left for later: no note to do it, no test that is passed over', () => {
  const leftover = /\b(TODO|FIXME|XXX|HACK)\b|\b(test|it|describe|suite)\.(skip|only|todo)\(|\b(skip|only|todo): true/;
  const everywhere = ['src', 'test', 'bench', 'examples'].flatMap((folder) => sourceFiles(ROOT, folder));
  const unfinished = everywhere.filter(({ path, text }) => path !== 'test/architecture.test.ts' && leftover.test(text));
  assert.deepEqual(
    unfinished.map(({ path }) => path),
    [],
  );
});

test('tests mirror the sources: every folder of test/ is a room, or one of the few that are about all', () => {
  const aboutAll = ['browser', 'compat', 'crash', 'e2e', 'examples', 'fuzz', 'guide', 'home', 'libraries', 'support'];
  const rooms = sourceFiles(ROOT, 'test')
    .filter(({ path }) => dirname(path) !== 'test')
    .map(({ room }) => room);
  assert.deepEqual(
    [...new Set(rooms)].filter((room) => !(room in ROOMS) && !aboutAll.includes(room)),
    [],
  );
});

test('a test of a room has the name of a source file, or its first line tells what it is about', () => {
  const ofRooms = sourceFiles(ROOT, 'test').filter(({ path, room }) => room in ROOMS && path.endsWith('.test.ts'));
  const named = ({ path }: SourceFile): boolean =>
    byPath.has(path.replace(/^test/, 'src').replace(/\.test\.ts$/, '.ts'));
  assert.deepEqual(
    ofRooms.filter((file) => !named(file) && !file.text.startsWith('/**')).map(({ path }) => path),
    [],
  );
});

test('the root folder holds what its owner fixed, and nothing else', () => {
  const names = readdirSync(ROOT).filter((name) => !name.startsWith('.') && !NOT_KEPT.includes(name));
  assert.deepEqual(
    names.filter((name) => !TOP_LEVEL.includes(name)),
    [],
  );
});

test("the lock file names no registry: it would be the machine's that wrote it", () => {
  const pinned = Object.entries(lockedPackages()).filter(([, { resolved }]) => resolved?.startsWith('http'));
  assert.deepEqual(pinned, []);
});

test('the lock file has the optional packages of every platform: npm ci refuses it otherwise', () => {
  const locked = lockedPackages();
  const names = new Set(Object.keys(locked).map((path) => path.replace(/^.*node_modules\//, '')));
  const wanted = Object.values(locked).flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies ?? {}));
  const missing = wanted.filter((name) => !names.has(name));
  assert.deepEqual(missing, [], 'node .ci/complete-lock-file.mjs adds them');
});

interface LockedPackage {
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function lockedPackages(): Readonly<Record<string, LockedPackage>> {
  return JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')).packages;
}
