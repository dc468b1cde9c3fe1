/**
 * The hook for `module.register`, in releases of Node.js without `module.registerHooks`. It runs in the loader thread of
 * Node.js and sees imports.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { redirected } from './redirection.js';

interface Context {
  readonly parentURL?: string;
}

type Resolution = object | Promise<object>;

export function resolve(
  specifier: string,
  context: Context,
  nextResolve: (specifier: string, context: Context) => Resolution,
): Resolution {
  const path = redirected(specifier, parentPath(context.parentURL));
  if (path === undefined) return nextResolve(specifier, context);
  return { url: pathToFileURL(path).href, format: 'commonjs', shortCircuit: true };
}

function parentPath(url: string | undefined): string | undefined {
  return url?.startsWith('file:') ? fileURLToPath(url) : undefined;
}
