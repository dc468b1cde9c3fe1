/**
 * A strict parser of expositions, written from the specifications of the formats. It shares no code with `src/exposition`.
 * It is stricter than Prometheus where that finds mistakes: it refuses comments (an injected line would look like one), a
 * sample must belong to the family that was declared just before it, and `# EOF` must end OpenMetrics.
 */
import assert from 'node:assert/strict';

export interface ParsedExemplar {
  labels: Record<string, string>;
  value: number;
  timestamp?: number;
}

export interface ParsedSample {
  name: string;
  labels: Record<string, string>;
  value: number;
  exemplar?: ParsedExemplar;
}

export interface ParsedFamily {
  name: string;
  help?: string;
  type?: string;
  unit?: string;
  samples: ParsedSample[];
}

export interface ParsedExposition {
  format: 'text' | 'openmetrics';
  families: ParsedFamily[];
  /** The samples of all families, in the order of lines. */
  samples: ParsedSample[];
}

/**
 * @param format by default the format that the last line indicates
 * @throws {SyntaxError} with the line that breaks the format
 */
export function parseExposition(
  text: string,
  format: ParsedExposition['format'] = text.endsWith('# EOF\n') ? 'openmetrics' : 'text',
): ParsedExposition {
  const families: ParsedFamily[] = [];
  const names = new Set<string>();
  if (!text.endsWith('\n')) throw new SyntaxError('the last line has no newline');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new SyntaxError('# EOF is missing');
  for (const [at, line] of lines.entries()) {
    const refuse = (reason: string): never => {
      throw new SyntaxError(`line ${at + 1}: ${reason}: ${JSON.stringify(line)}`);
    };
    if (/\p{Surrogate}/u.test(line)) refuse('half a surrogate pair');
    let family = families.at(-1);
    if (line === '') {
      if (format === 'openmetrics') refuse('a blank line');
    } else if (line.startsWith('#')) {
      const match = METADATA.exec(line) ?? refuse('a comment');
      const [, keyword, name, rest] = match;
      if (family?.name !== name) {
        if (names.has(name)) refuse(`the family ${name} is declared twice`);
        names.add(name);
        family = { name, samples: [] };
        families.push(family);
      }
      if (family.samples.length > 0) refuse('metadata after samples');
      setMetadata(family, keyword, rest, format, refuse);
    } else {
      if (family?.type === undefined) return refuse('a sample without a TYPE');
      const sample = parseSample(line, refuse);
      const suffixes = (format === 'text' ? TEXT_SUFFIXES : OPENMETRICS_SUFFIXES)[family.type];
      const suffix = sample.name.startsWith(family.name) ? sample.name.slice(family.name.length) : undefined;
      if (suffix === undefined || !suffixes.includes(suffix)) refuse(`no sample of the ${family.type} ${family.name}`);
      checkOwnLabel(family, sample, suffix!, refuse);
      if (sample.exemplar !== undefined && (format === 'text' || !EXEMPLAR_SUFFIXES.has(suffix!))) {
        refuse('an exemplar where none may be');
      }
      family.samples.push(sample);
    }
  }
  return { format, families, samples: families.flatMap(({ samples }) => samples) };
}

/** Fails if two lines are the same series to Prometheus, which treats an empty label as absent. */
export function assertNoDuplicateSeries(text: string): void {
  const seen = new Set<string>();
  for (const { name, labels } of parseExposition(text).samples) {
    const key = seriesKey(name, labels);
    assert.ok(!seen.has(key), `the series ${key} is there twice`);
    seen.add(key);
  }
}

/** Fails if the buckets of a histogram are not ascending, not cumulative, or do not end with its count at +Inf. */
export function assertHistogramsAreSound(text: string): void {
  for (const family of parseExposition(text).families) {
    if (family.type !== 'histogram') continue;
    const bySeries = new Map<string, { buckets: [bound: number, count: number][]; count?: number }>();
    for (const { name, labels, value } of family.samples) {
      const { le, ...rest } = labels;
      const key = seriesKey(family.name, rest);
      const series = bySeries.get(key) ?? { buckets: [] };
      bySeries.set(key, series);
      if (name.endsWith('_bucket')) series.buckets.push([numberOf(le), value]);
      if (name.endsWith('_count')) series.count = value;
    }
    for (const [key, { buckets, count }] of bySeries) {
      for (const [at, [bound, cumulative]] of buckets.entries()) {
        if (at === 0) continue;
        assert.ok(bound > buckets[at - 1][0], `${key}: le ${bound} after ${buckets[at - 1][0]}`);
        assert.ok(cumulative >= buckets[at - 1][1], `${key}: ${cumulative} at le ${bound} after ${buckets[at - 1][1]}`);
      }
      assert.deepEqual(buckets.at(-1), [Infinity, count], `${key}: the last bucket is +Inf and holds the count`);
    }
  }
}

/** Returns the value of one series; undefined without such a line. */
export function valueOf(text: string, name: string, labels: Record<string, string> = {}): number | undefined {
  const key = seriesKey(name, labels);
  return parseExposition(text).samples.find((sample) => seriesKey(sample.name, sample.labels) === key)?.value;
}

function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).filter(([, value]) => value !== '');
  return name + JSON.stringify(pairs.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

type Refuse = (reason: string) => never;

const METADATA = /^# (HELP|TYPE|UNIT) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.*)$/su;
const NUMBER = /^(NaN|[+-]Inf|[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?)$/iu;
const TEXT_SUFFIXES: Record<string, string[]> = {
  counter: [''],
  gauge: [''],
  untyped: [''],
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['', '_sum', '_count'],
};
const OPENMETRICS_SUFFIXES: Record<string, string[]> = {
  counter: ['_total', '_created'],
  gauge: [''],
  unknown: [''],
  histogram: ['_bucket', '_sum', '_count', '_created'],
  summary: ['', '_sum', '_count', '_created'],
  info: ['_info'],
  stateset: [''],
};
const EXEMPLAR_SUFFIXES = new Set(['_total', '_bucket']);

function setMetadata(family: ParsedFamily, keyword: string, rest: string, format: string, refuse: Refuse): void {
  if (keyword === 'HELP') {
    if (family.help !== undefined) refuse('a second HELP');
    const escapes = format === 'text' ? /\\[\\n]|[^\\]/gsu : /\\[\\n"]|[^\\"]/gsu;
    family.help = unescape(rest, escapes, refuse);
  } else if (keyword === 'TYPE') {
    if (family.type !== undefined) refuse('a second TYPE');
    if (!Object.hasOwn(format === 'text' ? TEXT_SUFFIXES : OPENMETRICS_SUFFIXES, rest)) refuse('an unknown type');
    family.type = rest;
  } else {
    if (format === 'text') refuse('a UNIT in text 0.0.4');
    if (family.unit !== undefined) refuse('a second UNIT');
    if (!family.name.endsWith(`_${rest}`)) refuse('a UNIT that the name does not end with');
    family.unit = rest;
  }
}

const isFloat = (value: string | undefined): boolean => value !== undefined && NUMBER.test(value);

function checkOwnLabel(family: ParsedFamily, { labels }: ParsedSample, suffix: string, refuse: Refuse): void {
  if ((suffix === '_bucket') !== isFloat(labels.le) && family.type === 'histogram') refuse('le is wrong');
  if (family.type === 'summary' && (suffix === '') !== isFloat(labels.quantile)) refuse('quantile is wrong');
  if (family.type === 'stateset' && labels[family.name] === undefined) refuse('a state set without its label');
}

const NAME = /[a-zA-Z_:][a-zA-Z0-9_:]*/suy;
const LABEL_NAME = /[a-zA-Z_][a-zA-Z0-9_]*/suy;
const LABEL_VALUE = /="(?:\\[\\n"]|[^\\"])*"/suy;
const WORD = /[^ ]+/suy;
const LITERALS = { '{': /\{/suy, '}': /\}/suy, ',': /,/suy, ' ': / /suy, ' # ': / # /suy };

/** Parses a sample line from left to right. */
function parseSample(line: string, refuse: Refuse): ParsedSample {
  let at = 0;
  const take = (pattern: RegExp | keyof typeof LITERALS): string => {
    const sticky = typeof pattern === 'string' ? LITERALS[pattern] : pattern;
    sticky.lastIndex = at;
    const match = sticky.exec(line) ?? refuse(`no ${sticky.source} at column ${at + 1}`);
    at = sticky.lastIndex;
    return match[0];
  };
  const takeLabels = (): Record<string, string> => {
    const labels = new Map<string, string>();
    take('{');
    while (line[at] !== '}') {
      if (labels.size > 0) take(',');
      const name = take(LABEL_NAME);
      if (labels.has(name)) refuse(`the label ${name} is there twice`);
      labels.set(name, unescape(take(LABEL_VALUE).slice(2, -1), /\\[\\n"]|[^\\"]/gsu, refuse));
    }
    take('}');
    return Object.fromEntries(labels);
  };
  const takeNumber = (): number => {
    const number = take(WORD);
    return NUMBER.test(number) ? numberOf(number) : refuse('no number');
  };

  const name = take(NAME);
  const labels = line[at] === '{' ? takeLabels() : {};
  take(' ');
  const sample: ParsedSample = { name, labels, value: takeNumber() };
  if (at < line.length) {
    take(' # ');
    const exemplar: ParsedExemplar = { labels: takeLabels(), value: 0 };
    take(' ');
    exemplar.value = takeNumber();
    if (at < line.length) {
      take(' ');
      exemplar.timestamp = takeNumber();
    }
    sample.exemplar = exemplar;
  }
  return at === line.length ? sample : refuse('something after the sample');
}

function unescape(text: string, units: RegExp, refuse: Refuse): string {
  const parts = text.match(units) ?? [];
  if (parts.join('') !== text) refuse('a wrong escape');
  return parts.map((part) => (part === '\\n' ? '\n' : part.length === 2 && part[0] === '\\' ? part[1] : part)).join('');
}

function numberOf(text: string): number {
  if (text === '+Inf') return Infinity;
  return text === '-Inf' ? -Infinity : Number(text);
}
