/**
 * Calls into the C library, through koffi, an optional dependency, or through `node:ffi`, which Node has from 26.9 on. No
 * other file loads either of them.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import type * as koffi from 'koffi' with { 'resolution-mode': 'import' };
import { describeError } from '../errors.js';
import { programFile } from '../program-file.js';
import { canLoad } from './can-load.js';

type Call = (...values: readonly (number | bigint | string | Uint8Array)[]) => number | bigint;

/** `long`: 64 bits, always given as bigint. `bytes`: memory that the call writes to. */
type Kind = 'int' | 'long' | 'text' | 'bytes';

interface Signature {
  readonly returns: Kind;
  readonly takes: readonly Kind[];
  readonly linuxOnly?: true;
}

const SIGNATURES = {
  mmap: { returns: 'long', takes: ['long', 'long', 'int', 'int', 'int', 'long'] },
  flock: { returns: 'int', takes: ['int', 'int'] },
  posix_fallocate: { returns: 'int', takes: ['int', 'long', 'long'], linuxOnly: true },
  fallocate: { returns: 'int', takes: ['int', 'int', 'long', 'long'], linuxOnly: true },
  statfs: { returns: 'int', takes: ['text', 'bytes'], linuxOnly: true },
} as const satisfies Record<string, Signature>;

type Name = keyof typeof SIGNATURES;

export interface Libc {
  /** The calls that this system has. */
  readonly calls: Partial<Readonly<Record<Name, Call>>>;
  addressOf(bytes: Uint8Array): bigint;
  /** The error of the last call, such as ENOSPC; undefined where it is not available. */
  lastError(): { readonly code: string; readonly errno: number } | undefined;
}

/**
 * koffi is preferred: it prints no warning about being experimental, and it reports errno. But a build of koffi for another
 * C library aborted the process that loaded it (3.1.2 on musl). So with musl `node:ffi` comes first, and where that is
 * missing a child process tries koffi.
 *
 * @throws the reason where neither can be loaded
 */
export function openLibc(): Libc {
  const openers = usesGlibc() ? [byKoffi, byNode] : [byNode, byTriedKoffi];
  const reasons: string[] = [];
  for (const open of openers) {
    try {
      return open();
    } catch (error) {
      reasons.push(describeError(error));
    }
  }
  throw new Error(reasons.join('; '));
}

/**
 * In an application that was bundled into one file koffi does not find its native module, unless that was copied beside the file.
 * It is looked up again from the program's main script, for koffi may be installed there.
 */
function loadKoffi(): typeof koffi {
  try {
    return require('koffi') as typeof koffi;
  } catch (error) {
    const script = process.argv[1];
    if (script === undefined || !isAbsolute(script)) throw error;
    try {
      return createRequire(script)('koffi') as typeof koffi;
    } catch {
      throw error;
    }
  }
}

/** macOS has one C library only, so the build fits there too. */
function usesGlibc(): boolean {
  if (process.platform !== 'linux') return true;
  try {
    return /\/libc(\.so\.6|-2\.\d+\.so)$/m.test(readFileSync('/proc/self/maps', 'latin1'));
  } catch {
    return false;
  }
}

function byTriedKoffi(): Libc {
  const { resolve } = createRequire(programFile('metrics-file/libc.js'));
  if (!canLoad(resolve('koffi'))) throw new Error('koffi does not work with this C library');
  return byKoffi();
}

function byKoffi(): Libc {
  const ffi = loadKoffi();
  const library = ffi.load(null);
  const types = { int: 'int', long: 'int64_t', text: 'const char *', bytes: 'void *' } as const;
  return {
    calls: allCalls(({ name, returns, takes }) =>
      library.func(
        name,
        types[returns],
        takes.map((kind) => types[kind]),
      ),
    ),
    addressOf: (bytes) => ffi.address(bytes),
    lastError() {
      const errno = ffi.errno();
      const code = Object.entries(ffi.os.errno).find(([, number]) => number === errno)?.[0] ?? String(errno);
      return { code, errno };
    },
  };
}

/** The part of `node:ffi` that is used here; the types of Node 20 do not have it. */
interface NodeFfi {
  dlopen(
    path: null,
    definitions: Record<string, { arguments: readonly string[]; return: string }>,
  ): { functions: Record<string, Call> };
  getRawPointer(bytes: Uint8Array): bigint;
}

function byNode(): Libc {
  // a bundler would load what `require` names when the program starts, and fail where Node does not have it
  const ffi = (process as { getBuiltinModule?: (name: string) => unknown }).getBuiltinModule?.('node:ffi') as
    | NodeFfi
    | undefined;
  if (ffi === undefined) throw new Error('this Node.js has no node:ffi');
  const types = { int: 'i32', long: 'i64', text: 'string', bytes: 'buffer' } as const;
  return {
    calls: allCalls(({ name, returns, takes }) => {
      const signature = { arguments: takes.map((kind) => types[kind]), return: types[returns] };
      return ffi.dlopen(null, { [name]: signature }).functions[name];
    }),
    addressOf: (bytes) => ffi.getRawPointer(bytes),
    lastError: () => undefined,
  };
}

function allCalls(open: (signature: Signature & { name: Name }) => Call): Libc['calls'] {
  const calls: Partial<Record<Name, Call>> = {};
  for (const name of Object.keys(SIGNATURES) as Name[]) {
    const signature: Signature = SIGNATURES[name];
    if (signature.linuxOnly && process.platform !== 'linux') continue;
    calls[name] = open({ ...signature, name });
  }
  return calls;
}
