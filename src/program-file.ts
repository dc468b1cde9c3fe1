import { join } from 'node:path';

/**
 * Returns the path of a compiled file of this package that is started as a program, in a thread or a process of its own. In an
 * application that was bundled into one file nothing is there, and a bundle that is an ES module has no `__dirname` either: the
 * callers look whether the file exists, and do the work themselves where it does not.
 *
 * @param path relative to this file
 */
export function programFile(path: string): string {
  return typeof __dirname === 'undefined' ? path : join(__dirname, path);
}
