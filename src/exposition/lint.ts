/**
 * Finds metrics that break conventions though every scraper accepts them: the nine lints of `promtool check metrics`
 * (written again from the results of Prometheus' util/promlint), and the naming rules of
 * prometheus.io/docs/practices/naming.
 */
import type { MetricFamily } from '../model/metric-family.js';

export interface LintProblem {
  readonly metric: string;
  readonly text: string;
}

type Lint = (family: MetricFamily) => string[];

/** Units and the base unit to use in their place: prometheus.io/docs/practices/naming, «Base units». */
const BASE_UNITS: Readonly<Record<string, string>> = {
  milliseconds: 'seconds',
  microseconds: 'seconds',
  nanoseconds: 'seconds',
  minutes: 'seconds',
  hours: 'seconds',
  days: 'seconds',
  kilobytes: 'bytes',
  megabytes: 'bytes',
  gigabytes: 'bytes',
  kibibytes: 'bytes',
  mebibytes: 'bytes',
  gibibytes: 'bytes',
  bits: 'bytes',
  kelvin: 'celsius',
  fahrenheit: 'celsius',
  millimeters: 'meters',
  centimeters: 'meters',
  kilometers: 'meters',
  inches: 'meters',
  feet: 'meters',
  miles: 'meters',
  percent: 'ratio',
  milligrams: 'grams',
  kilograms: 'grams',
  kilojoules: 'joules',
  calories: 'joules',
  kilowatts: 'watts',
  millivolts: 'volts',
  milliamperes: 'amperes',
};

/** Abbreviated units, as the last word of a name (before `_total`). */
const ABBREVIATIONS: ReadonlySet<string> = new Set([
  's',
  'ms',
  'us',
  'ns',
  'sec',
  'secs',
  'min',
  'mins',
  'hr',
  'hrs',
  'b',
  'kb',
  'mb',
  'gb',
  'tb',
  'pb',
  'kib',
  'mib',
  'gib',
  'm',
  'h',
  'd',
]);

const TYPE_WORDS = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

const words = ({ name }: MetricFamily): string[] => name.toLowerCase().split('_');
const when = (wrong: boolean, text: string): string[] => (wrong ? [text] : []);

const LINTS: readonly Lint[] = [
  ({ help }) => when(help.trim() === '', 'no help text'),
  (family) =>
    words(family)
      .filter((word) => BASE_UNITS[word] !== undefined)
      .map((word) => `use base unit "${BASE_UNITS[word]}" instead of "${word}"`),
  ({ name, type }) =>
    when(type === 'counter' && !name.endsWith('_total'), 'counter metrics should have "_total" suffix'),
  ({ name, type }) =>
    when(type !== 'counter' && name.endsWith('_total'), 'non-counter metrics should not have "_total" suffix'),
  ({ name, type, samples }) => [
    ...when(type !== 'histogram' && name.endsWith('_bucket'), 'non-histogram metrics should not have "_bucket" suffix'),
    ...['_count', '_sum'].flatMap((suffix) =>
      when(
        type !== 'histogram' && type !== 'summary' && name.endsWith(suffix),
        `non-histogram and non-summary metrics should not have "${suffix}" suffix`,
      ),
    ),
    ...when(
      type !== 'histogram' && samples.some(({ labels }) => 'le' in labels),
      'non-histogram metrics should not have "le" label',
    ),
    ...when(
      type !== 'summary' && samples.some(({ labels }) => 'quantile' in labels),
      'non-summary metrics should not have "quantile" label',
    ),
  ],
  (family) =>
    TYPE_WORDS.flatMap((word) => when(words(family).includes(word), `metric name should not include type '${word}'`)),
  ({ name }) => when(name.includes(':'), "metric names should not contain ':'"),
  ({ name, samples }) => [
    ...when(/[a-z][A-Z]/.test(name), "metric names should be written in 'snake_case' not 'camelCase'"),
    ...when(
      samples.some(({ labels }) => Object.keys(labels).some((label) => /[a-z][A-Z]/.test(label))),
      "label names should be written in 'snake_case' not 'camelCase'",
    ),
  ],
  (family) => {
    const [last] = words(family)
      .filter((word) => word !== 'total')
      .slice(-1);
    return when(ABBREVIATIONS.has(last), 'metric names should not contain abbreviated units');
  },
];

/** Returns the problems in the order of the families, then of the lints. */
export function lintFamilies(families: readonly MetricFamily[]): LintProblem[] {
  return families.flatMap((family) =>
    LINTS.flatMap((lint) => lint(family)).map((text) => ({ metric: family.name, text })),
  );
}
