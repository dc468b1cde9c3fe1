/**
 * The hook for `module.registerHooks`, and for `module.register` in releases of Node.js without that. With `register` it runs in
 * the loader thread of Node.js, where resolutions are promises, and sees imports only.
 */
import { fileURLToPath, pathToFileURL } from 'node:url';
import { mayBeRedirected, redirected } from './redirection.js';

interface Context {
  readonly parentURL?: string;
}

interface Resolution {
  readonly url: string;
}

export function resolve(
  specifier: string,
  context: Context,
  nextResolve: (specifier: string, context: Context) => Resolution | Promise<Resolution>,
): Resolution | Promise<Resolution> {
  const parent = filePath(context.parentURL);
  if (!mayBeRedirected(specifier, parent)) return nextResolve(specifier, context);
  const onResolved = (resolution: Resolution): Resolution => {
    return ours(specifier, parent, filePath(resolution.url)) ?? resolution;
  };
  // the package need not be installed
  const onMissing = (error: unknown): Resolution => {
    const resolution = ours(specifier, parent, undefined);
    if (resolution === undefined) throw error;
    return resolution;
  };
  let resolution: Resolution | Promise<Resolution>;
  try {
    resolution = nextResolve(specifier, context);
  } catch (error) {
    return onMissing(error);
  }
  return resolution instanceof Promise ? resolution.then(onResolved, onMissing) : onResolved(resolution);
}

function ours(specifier: string, parent: string | undefined, resolved: string | undefined): Resolution | undefined {
  const path = redirected(specifier, parent, resolved);
  if (path === undefined) return undefined;
  return Object.assign({ url: pathToFileURL(path).href }, { format: 'commonjs', shortCircuit: true });
}

function filePath(url: string | undefined): string | undefined {
  return url?.startsWith('file:') ? fileURLToPath(url) : undefined;
}
