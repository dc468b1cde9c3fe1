import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import type { ExpositionFormat } from '../exposition/format.js';
import { renderFamilies } from '../exposition/render.js';
import { existingDirectory } from './directory-option.js';
import { plain, printJson } from './print.js';

interface DumpOptions {
  readonly dir?: string;
  readonly json?: boolean;
  readonly format: ExpositionFormat;
  readonly created?: boolean;
}

export async function dumpCommand(names: readonly string[], options: DumpOptions): Promise<void> {
  const collector = new MultiprocessCollector({
    dir: existingDirectory(options.dir),
    threads: false,
    selfMetrics: false,
    fold: false,
    created: options.created,
  });
  const families = await collector.families();
  await collector.close();
  const patterns = names.map(pattern);
  const chosen = families.filter(({ name }) => patterns.length === 0 || patterns.some((rule) => rule.test(name)));
  if (options.json === true) printJson(chosen);
  // an empty text would still be a line
  else if (chosen.length > 0 || options.format === 'openmetrics') {
    process.stdout.write(printable(renderFamilies(chosen, options.format)));
  }
  if (names.length > 0 && chosen.length === 0) process.exitCode = 1;
}

/** A program gets every byte; a terminal would obey the escape sequences in a label's value. */
function printable(text: string): string {
  return process.stdout.isTTY ? text.split('\n').map(plain).join('\n') : text;
}

/** `http_*` and the like; everything but the star stands for itself. */
function pattern(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
