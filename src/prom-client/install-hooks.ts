/**
 * Makes `prom-client` and `@prometheus-io/client` resolve to this package for every module in this process or thread: by
 * `require`, `require.resolve` and `import`, wherever a copy of them is installed.
 */
import Module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { warnOnce } from '../warn-once.js';
import { mayBeRedirected, redirected, REPLACED } from './redirection.js';
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
  } else if (process.versions.bun === undefined) {
    registerInLoaderThread();
  } else {
    redirectInBun();
  }
}

function registerInLoaderThread(): void {
  const hook = pathToFileURL(join(__dirname, 'resolve-hook.js')).href;
  try {
    internals.register?.(hook, { parentURL: pathToFileURL(__filename).href });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_ACCESS_DENIED') throw error;
    warnOnce(
      'import hook',
      'prom-client is redirected for require and not for import, because Node.js needs a thread for that: add --allow-worker',
    );
  }
}

interface BunPlugins {
  plugin(plugin: { name: string; setup(build: BunBuild): void }): void;
}

interface BunBuild {
  module(specifier: string, load: () => { exports: object; loader: 'object' }): void;
}

/** Bun has no hooks of Node.js for import. Its own know a module by its name, so that deep imports are not redirected. */
function redirectInBun(): void {
  const { Bun } = globalThis as unknown as { Bun: BunPlugins };
  // in Bun nothing is bundled that is preloaded
  const load = Module.createRequire(__filename);
  Bun.plugin({
    name: 'prom-multiproc/register',
    setup(build) {
      for (const name of REPLACED) {
        build.module(name, () => ({
          exports: load(redirected(name, undefined, undefined)!) as object,
          loader: 'object',
        }));
      }
    },
  });
}

/** Needed even with registerHooks, which does not see `require.resolve`. */
function patchRequire(): void {
  const original = internals._resolveFilename;
  internals._resolveFilename = function (request, parent, ...rest) {
    const file = parent?.filename ?? undefined;
    if (!mayBeRedirected(request, file)) return original.call(this, request, parent, ...rest);
    let resolved: string;
    try {
      resolved = original.call(this, request, parent, ...rest);
    } catch (error) {
      // the package need not be installed
      const path = redirected(request, file, undefined);
      if (path === undefined) throw error;
      return path;
    }
    return redirected(request, file, resolved) ?? resolved;
  };
}
