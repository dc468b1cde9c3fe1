/** Requires the package and prints the effects on the process, as JSON. */
import fs, { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join, sep } from 'node:path';
import 'node:worker_threads'; // loading it makes Node.js replace process.chdir

interface ProcessState {
  /** Resources that keep the event loop alive. */
  readonly resources: readonly string[];
  /** Number of listeners on `process` by event. */
  readonly listeners: Readonly<Record<string, number>>;
  /** Targets of open descriptors, on systems with /proc. */
  readonly descriptors: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface ImportEffects {
  readonly before: ProcessState;
  readonly after: ProcessState;
  /** Methods of `process` that were replaced. */
  readonly replacedMethods: readonly string[];
  readonly nativeModules: readonly string[];
  /** Files of other packages in node_modules that were loaded. */
  readonly packageFiles: readonly string[];
  /** Functions of node:fs that were called, each with its first argument. */
  readonly calls: readonly string[];
  /** Functions of the clock that our own modules accessed, with the place in the code. */
  readonly clockUses: readonly string[];
}

const OWN = join(__dirname, '..', '..', '..', 'src') + sep;
const DESCRIPTORS = '/proc/self/fd';

function processState(): ProcessState {
  const listeners = process.eventNames().map((event) => [String(event), process.listenerCount(event)]);
  return {
    resources: process.getActiveResourcesInfo(),
    listeners: Object.fromEntries(listeners),
    descriptors: existsSync(DESCRIPTORS) ? readdirSync(DESCRIPTORS).flatMap(targetOf) : [],
    env: { ...process.env },
  };
}

/** The descriptor that lists the folder is closed when its own entry is read. */
function targetOf(descriptor: string): string[] {
  try {
    return [readlinkSync(join(DESCRIPTORS, descriptor))];
  } catch {
    return [];
  }
}

const clockUses: string[] = [];

/** Records each read of the property with its caller: code that calls the function or keeps it reads the property first. */
function watch(owner: object, name: string, property: string): void {
  let value = (owner as Record<string, unknown>)[property];
  Object.defineProperty(owner, property, {
    configurable: true,
    get: () => {
      // the frame above this getter
      const caller = new Error().stack?.split('\n')[2] ?? '';
      if (caller.includes(OWN)) clockUses.push(`${name}.${property} ${caller.trim()}`);
      return value;
    },
    set: (replacement) => {
      value = replacement;
    },
  });
}

const calls: string[] = [];

function watchCalls(owner: object, ...names: string[]): void {
  const functions = owner as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const original = functions[name];
    functions[name] = function (this: unknown, ...args) {
      calls.push(`${name} ${String(args[0])}`);
      return original.apply(this, args);
    };
  }
}

const methods = Object.entries(process).filter(([, value]) => typeof value === 'function');
const { emit, on } = process;
const before = processState();
watch(Date, 'Date', 'now');
watch(performance, 'performance', 'now');
watch(process, 'process', 'hrtime');
for (const timer of ['setTimeout', 'setInterval', 'setImmediate']) watch(globalThis, 'globalThis', timer);
watchCalls(fs, 'openSync', 'open', 'mkdirSync', 'writeFileSync', 'statSync', 'readdirSync');
watchCalls(fs.promises, 'open');

const api: object = require('prom-multiproc');
if (Object.keys(api).length === 0) throw new Error('the package is empty');

const callsByImport = [...calls];
const after = processState();

const loaded = Object.keys(require.cache);
const effects: ImportEffects = {
  before,
  after,
  replacedMethods: methods
    .concat(Object.entries({ emit, on }))
    .filter(([name, value]) => process[name as 'emit'] !== value)
    .map(([name]) => name),
  nativeModules: loaded.filter((path) => path.endsWith('.node')),
  packageFiles: loaded.flatMap((path) => /.*node_modules[\\/](.*)/.exec(path)?.[1] ?? []),
  calls: callsByImport,
  clockUses: [...clockUses],
};
// a timer of the package would otherwise keep this process alive
process.stdout.write(JSON.stringify(effects), () => process.exit());
