/**
 * Makes `prom-client` and `@prometheus-io/client` resolve to this package for every module in this process or thread: by
 * `require`, `require.resolve` and `import`, wherever a copy of them is installed.
 */
import Module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { redirected } from './redirection.js';
import { resolve } from './resolve-hook.js';

/** Internals that Node's types do not declare. `require` and `require.resolve` both call `_resolveFilename`. */
interface ModuleInternals {
  _resolveFilename(request: string, parent: { filename?: string | null } | undefined, ...rest: unknown[]): string;
  registerHooks?(hooks: { resolve: typeof resolve }): void;
  register?(specifier: string, options: { parentURL: string }): void;
}

const internals = Module as unknown as ModuleInternals;
const INSTALLED = Symbol.for('prom-multiproc.register');

/** Installs the hooks once per process or thread: NODE_OPTIONS and `--import` may both preload this package. */
export function installHooks(): void {
  const installed = globalThis as { [INSTALLED]?: boolean };
  if (installed[INSTALLED] === true) return;
  installed[INSTALLED] = true;
  patchRequire();
  // registerHooks exists since 22.15 and 23.5. From 26 on, register prints a deprecation warning
  if (typeof internals.registerHooks === 'function') {
    internals.registerHooks({ resolve });
  } else {
    const hook = pathToFileURL(join(__dirname, 'resolve-hook.js')).href;
    internals.register?.(hook, { parentURL: pathToFileURL(__filename).href });
  }
}

/** Needed even with registerHooks, which does not see `require.resolve`. */
function patchRequire(): void {
  const original = internals._resolveFilename;
  internals._resolveFilename = function (request, parent, ...rest) {
    return redirected(request, parent?.filename ?? undefined) ?? original.call(this, request, parent, ...rest);
  };
}
