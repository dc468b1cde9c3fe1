import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { renderText } from '../exposition/render.js';
import { TEXT_DIALECTS } from '../exposition/text-dialect.js';
import { existingDirectory } from './existing-directory.js';
import { plain, printJson } from './print.js';

interface DumpOptions {
  readonly dir?: string;
  readonly json?: boolean;
  readonly format: string;
  readonly created?: boolean;
}

export async function dumpCommand(names: readonly string[], options: DumpOptions): Promise<void> {
  const collector = new MultiprocessCollector({
    dir: existingDirectory(options.dir),
    threads: false,
    selfMetrics: false,
    readOnly: true,
    created: options.created,
  });
  const dialect = TEXT_DIALECTS.get(options.format)!;
  const families = await collector.families();
  await collector.close();
  const patterns = names.map(pattern);
  const chosen = families.filter(({ name }) => patterns.length === 0 || patterns.some((rule) => rule.test(name)));
  if (options.json === true) printJson(chosen);
  // an empty text would still be a line
  else if (chosen.length > 0 || dialect.end !== '') {
    process.stdout.write(printable(renderText(chosen, dialect)));
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
