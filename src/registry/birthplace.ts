/**
 * Finds the place in a program where a registry is made, from the stack. Every process that runs the same code has the same
 * places, in whatever order its modules load.
 */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Birthplace {
  /** An absolute path, or a name without a file, such as `[eval]`. */
  readonly file: string;
  /** '' at the top level of a module. */
  readonly functionName: string;
  /** Whether a module was being evaluated at the time. A registry that is made later may be made for every request. */
  readonly whileLoading: boolean;
}

type StackReader = (error: Error, frames: NodeJS.CallSite[]) => unknown;

/** Frames of node below the code of a module that is being evaluated. */
const LOADER_FILE = /^node:internal\/modules\//;
const EVAL_FILE = 'node:internal/process/execution';
const EVAL_FUNCTION = /^(eval|runScript)/;
/** Stack depth: requests in web frameworks are some 30 calls deep, and modules that load one another may be hundreds. */
const MAX_FRAMES = 1000;

/**
 * Returns the place that calls a constructor, or the constructor of a subclass; undefined if the stack cannot be read.
 *
 * @param subclasses number of subclasses between the constructor and the class that was called with `new`
 */
export function birthplaceOf(constructor: Function, subclasses: number): Birthplace | undefined {
  const frames = callers(constructor);
  if (frames === undefined) return undefined;
  let at = 0;
  while (at < subclasses && frames[at]?.isConstructor()) at++;
  const caller = frames[at];
  const file = caller?.getFileName() ?? caller?.getEvalOrigin();
  if (caller === undefined || typeof file !== 'string') return undefined;
  return {
    file: file.startsWith('file:') ? fileURLToPath(file) : file,
    functionName: caller.getFunctionName() ?? '',
    whileLoading: frames.some(isLoader),
  };
}

/** Returns a text for a place that is the same wherever the program is installed: `package/relative path#function`. */
export function describePlace({ file, functionName }: Birthplace): string {
  return `${portablePath(file)}#${functionName}`;
}

function callers(constructor: Function): readonly NodeJS.CallSite[] | undefined {
  const { prepareStackTrace, stackTraceLimit } = Error;
  const holder: { stack?: unknown } = {};
  try {
    const keep: StackReader = (_error, frames) => frames;
    Error.prepareStackTrace = keep;
    Error.stackTraceLimit = MAX_FRAMES;
    Error.captureStackTrace(holder, constructor);
    // V8 formats the stack when this property is first read
    const { stack } = holder;
    return Array.isArray(stack) ? (stack as NodeJS.CallSite[]) : undefined;
  } catch {
    // --frozen-intrinsics
    return undefined;
  } finally {
    try {
      Error.prepareStackTrace = prepareStackTrace;
      Error.stackTraceLimit = stackTraceLimit;
    } catch {
      // --frozen-intrinsics: the assignment above had no effect either
    }
  }
}

function isLoader(frame: NodeJS.CallSite): boolean {
  const file = frame.getFileName();
  if (typeof file !== 'string') return false;
  return LOADER_FILE.test(file) || (file === EVAL_FILE && EVAL_FUNCTION.test(frame.getFunctionName() ?? ''));
}

const packages = new Map<string, { root: string; name: string } | undefined>();

function portablePath(file: string): string {
  if (!file.includes(sep)) return file;
  const found = packageOf(dirname(file));
  if (found !== undefined) return [found.name, ...relative(found.root, file).split(sep)].join('/');
  return relative(programDirectory(), file).split(sep).join('/');
}

/** Finds the nearest directory, from `dir` upwards, whose package.json has a name. */
function packageOf(dir: string): { root: string; name: string } | undefined {
  if (packages.has(dir)) return packages.get(dir);
  const name = packageName(join(dir, 'package.json'));
  const parent = dirname(dir);
  const found = name !== undefined ? { root: dir, name } : parent === dir ? undefined : packageOf(parent);
  packages.set(dir, found);
  return found;
}

function packageName(path: string): string | undefined {
  try {
    if (!existsSync(path)) return undefined;
    const { name } = JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined;
  }
}

function programDirectory(): string {
  const script = process.argv[1] ?? '';
  try {
    return dirname(realpathSync(script));
  } catch {
    return dirname(script);
  }
}
