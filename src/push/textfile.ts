import { randomBytes } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { invalidArgument } from '../errors.js';
import { register as defaultRegistry } from '../registry/default-registry.js';
import type { Registry } from '../registry/registry.js';
import { textOfRegistry, type TextOptions } from './text-of-registry.js';

export interface TextfileOptions extends TextOptions {
  /** Default: the default registry. */
  readonly registry?: Registry<any>;
  /** Permissions of the file; the umask does not apply. Default 0o644: node_exporter runs as another user. */
  readonly mode?: number;
}

/**
 * Writes the metrics to a file for node_exporter's textfile collector; its name has to end in `.prom`. Where several processes
 * share a directory these are the merged metrics. A reader finds the old file or the new one, never a part of one.
 *
 * @throws {PromMultiprocError} ERR_INVALID_ARGUMENT where the path does not end in `.prom`
 * @throws the system's error where the file cannot be written; the old file stays then
 */
export async function writeToTextfile(path: string, options: TextfileOptions = {}): Promise<void> {
  const { registry = defaultRegistry, mode } = options;
  assertTextfile(path);
  await replaceTextfile(path, await textOfRegistry(registry, options), mode);
}

/** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
export function assertTextfile(path: unknown): asserts path is string {
  if (typeof path !== 'string' || !path.endsWith('.prom')) {
    throw invalidArgument(`${inspect(path)} does not end in ".prom": node_exporter reads no other files`);
  }
}

/** Replaces the file at once. @throws the system's error */
export async function replaceTextfile(path: string, text: string | Uint8Array, mode = 0o644): Promise<void> {
  // in the same directory, since a rename cannot cross file systems, and with an ending that node_exporter ignores
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`);
  const file = await open(temporary, 'wx', mode);
  try {
    try {
      await file.writeFile(text);
      await file.chmod(mode);
      // without this, a crash of the machine may leave an empty file under the new name
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
