// Puts the modules that the package's root loads into one file, dist/src/start.js: Node takes 0.2 ms to find, read and compile
// a file, and the root has some 170. The file of each of these modules then returns what start.js holds, so that a module
// exists once, whichever way it is required. tsc alone (`npx tsc`) leaves the modules in their own files, which work too.
//
// Why no bundler: the file that esbuild 0.28 makes of the same modules loads no faster (24.8 ms of CPU time, this one 23.3; median
// of 31), a second compiler would make the code, and the files that return its modules would still have to be written here.
//
//   node .ci/start-file.mjs unpack    before tsc, which writes only the files whose sources have changed
//   node .ci/start-file.mjs pack      after it
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';

const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const ROOT = 'root.js';
const START = 'start.js';
/** Its modules stay in their own files: a preloaded program may never load the root. */
const PRELOAD = 'register.js';

/** A require of a file of this package, with its quotes. */
const REQUIRE = /\brequire\((['"])(\.[^'"]*)\1\)/g;
const REQUIRE_START = /\brequireStart\((['"])([^'"]*)\1\)/g;
/** A require that runs as its module loads begins a line, and is not in a function. */
const AT_LOAD = /^(?:(?:const|exports)\b(?!.*=>).*)?\brequire\((['"])(\.[^'"]*)\1\)/gm;
const REGION = /^\/\/#region (.*)\n.*\n([^]*?)\n\}\),\n\/\/#endregion$/gm;

const HEAD = `'use strict';
// Made by .ci/start-file.mjs: the modules that the package's root loads, each in a region. The others are files of their own.
const loaded = Object.create(null);
module.exports = requireStart;
function requireStart(path) {
  if (path in loaded) return loaded[path];
  const exports = (loaded[path] = {});
  try {
    modules[path](exports);
  } catch (error) {
    delete loaded[path];
    throw error;
  }
  return exports;
}
const modules = {
`;
const FOOT = '};\n';
const ROOT_HEAD = "const requireStart = require('./start.js');\n";

const read = (path) => readFileSync(join(DIST, 'src', path), 'utf8');
const write = (path, text) => writeFileSync(join(DIST, 'src', path), text);
const fileOf = (path) => `'use strict';\nmodule.exports = require('${from(path, START)}')('${path}');\n`;

/** The specifier by which the module `path` requires `target`. */
function from(path, target) {
  const relative = posix.relative(posix.dirname(path), target);
  return relative.startsWith('.') ? relative : `./${relative}`;
}

/** The module that `path` requires by a specifier. */
function resolve(path, specifier) {
  return posix.join(posix.dirname(path), specifier);
}

/** The texts of a module and of all that load with it. */
function closure(path, texts = new Map()) {
  if (texts.has(path) || path.startsWith('../')) return texts;
  const text = read(path);
  texts.set(path, text);
  for (const [, , specifier] of text.matchAll(AT_LOAD)) closure(resolve(path, specifier), texts);
  return texts;
}

function pack() {
  const texts = closure(ROOT);
  for (const path of closure(PRELOAD).keys()) texts.delete(path);
  const move = (path, text) =>
    text.replaceAll(REQUIRE, (_require, quote, specifier) => {
      const target = resolve(path, specifier);
      const isPacked = texts.has(target) && target !== ROOT;
      return isPacked ? `requireStart(${quote}${target}${quote})` : `require(${quote}${from(START, target)}${quote})`;
    });
  const root = ROOT_HEAD + move(ROOT, texts.get(ROOT));
  texts.delete(ROOT);
  const regions = [...texts].map(
    ([path, text]) => `//#region ${path}\n'${path}': (function (exports) {\n${move(path, text)}\n}),\n//#endregion\n`,
  );
  write(START, HEAD + regions.join('') + FOOT);
  write(ROOT, root);
  for (const path of texts.keys()) write(path, fileOf(path));
}

function unpack() {
  if (!existsSync(join(DIST, 'src', START))) {
    // if the file was removed by hand, tsc must write the modules again
    rmSync(join(DIST, '.tsbuildinfo'), { force: true });
    return;
  }
  const moveBack = (path, text) =>
    text
      .replaceAll(
        REQUIRE,
        (_require, quote, specifier) => `require(${quote}${from(path, resolve(START, specifier))}${quote})`,
      )
      .replaceAll(REQUIRE_START, (_require, quote, target) => `require(${quote}${from(path, target)}${quote})`);
  for (const [, path, text] of read(START).matchAll(REGION)) {
    // tsc on its own has written the module since
    if (existsSync(join(DIST, 'src', path)) && read(path) === fileOf(path)) write(path, moveBack(path, text));
  }
  const root = read(ROOT);
  if (root.startsWith(ROOT_HEAD)) write(ROOT, moveBack(ROOT, root.slice(ROOT_HEAD.length)));
  rmSync(join(DIST, 'src', START));
}

if (process.argv[2] === 'unpack') unpack();
else pack();
