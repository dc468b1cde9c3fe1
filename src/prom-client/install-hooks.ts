/**
 * Makes `prom-client` and `@prometheus-io/client` resolve to this package, for whoever asks for them in this process or
 * thread: by `require`, `require.resolve` and `import`, and from wherever a copy of them may be installed.
 */
import Module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { redirected } from './redirection.js';
import { resolve } from './resolve-hook.js';

/** What node's types do not have: `_resolveFilename` is what `require` and `require.resolve` go through. */
interface ModuleInternals {
  _resolveFilename(request: string, parent: { filename?: string | null } | undefined, ...rest: unknown[]): string;
  registerHooks?(hooks: { resolve: typeof resolve }): void;
  register?(specifier: string, options: { parentURL: string }): void;
}

const internals = Module as unknown as ModuleInternals;
const INSTALLED = Symbol.for('prom-multiproc.register');

/** Once per process or thread, however often it is preloaded: NODE_OPTIONS and `--import` may both name it. */
export function installHooks(): void {
  const installed = globalThis as { [INSTALLED]?: boolean };
  if (installed[INSTALLED] === true) return;
  installed[INSTALLED] = true;
  patchRequire();
  // registerHooks: 22.15 and 23.5. From 26 on register warns that it is deprecated
  if (typeof internals.registerHooks === 'function') {
    internals.registerHooks({ resolve });
  } else {
    const hook = pathToFileURL(join(__dirname, 'resolve-hook.js')).href;
    internals.register?.(hook, { parentURL: pathToFileURL(__filename).href });
  }
}

/** Needed beside registerHooks too: that one does not see `require.resolve`. */
function patchRequire(): void {
  const original = internals._resolveFilename;
  internals._resolveFilename = function (request, parent, ...rest) {
    return redirected(request, parent?.filename ?? undefined) ?? original.call(this, request, parent, ...rest);
  };
}
