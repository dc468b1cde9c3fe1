import { MultiprocessCollector } from '../collector/multiprocess-collector.js';
import { labelText, samplePrefix } from '../exposition/labels.js';
import { formatNumber } from '../exposition/number.js';
import { renderText } from '../exposition/render.js';
import { TEXT_DIALECTS } from '../exposition/text-dialect.js';
import type { MetricFamily } from '../model/metric-family.js';
import { bucketRanges } from '../model/native-histogram.js';
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
  // without this an empty text would be printed as an empty line
  else if (chosen.length > 0 || dialect.end !== '') {
    process.stdout.write(printable(renderText(chosen, dialect) + (dialect.end === '' ? nativeComments(chosen) : '')));
  }
  if (names.length > 0 && chosen.length === 0) process.exitCode = 1;
}

/**
 * The buckets of native histograms, which the text formats cannot show, as comments. OpenMetrics allows no comments.
 */
function nativeComments(families: readonly MetricFamily[]): string {
  let text = '';
  for (const { name, samples } of families) {
    for (const { labels, value, native } of samples) {
      if (native === undefined) continue;
      text += `\n# native ${samplePrefix(name, labelText(labels))}${formatNumber(value)} in buckets of schema ${native.schema}\n`;
      for (const { lower, upper, count } of bucketRanges(native)) {
        text += `#   ${lower.toPrecision(4)} to ${upper.toPrecision(4)}: ${count}\n`;
      }
    }
  }
  return text;
}

/** A program gets every byte. A terminal gets no control characters, since it would obey escape sequences in label values. */
function printable(text: string): string {
  return process.stdout.isTTY ? text.split('\n').map(plain).join('\n') : text;
}

/** The regular expression of a pattern such as `http_*`; all characters but the star match themselves. */
function pattern(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}
