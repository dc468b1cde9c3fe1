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

/** Units that have a base unit to use in their place: prometheus.io/docs/practices/naming, «Base units». */
const UNITS_BY_BASE: Readonly<Record<string, readonly string[]>> = {
  seconds: ['milliseconds', 'microseconds', 'nanoseconds', 'minutes', 'hours', 'days'],
  bytes: ['kilobytes', 'megabytes', 'gigabytes', 'kibibytes', 'mebibytes', 'gibibytes', 'bits'],
  celsius: ['kelvin', 'fahrenheit'],
  meters: ['millimeters', 'centimeters', 'kilometers', 'inches', 'feet', 'miles'],
  ratio: ['percent'],
  grams: ['milligrams', 'kilograms'],
  joules: ['kilojoules', 'calories'],
  watts: ['kilowatts'],
  volts: ['millivolts'],
  amperes: ['milliamperes'],
};
const BASE_UNITS: ReadonlyMap<string, string> = new Map(
  Object.entries(UNITS_BY_BASE).flatMap(([base, units]) => units.map((unit) => [unit, base] as const)),
);

/** A name that ends with an abbreviated unit, before `_total`. */
const ABBREVIATED = /(^|_)(s|ms|us|ns|secs?|mins?|hrs?|[kmgtp]?b|[kmg]ib|m|h|d)(_total)*$/i;

const TYPE_WORDS = ['counter', 'gauge', 'histogram', 'summary', 'untyped'];

const words = ({ name }: MetricFamily): string[] => name.toLowerCase().split('_');
const when = (wrong: boolean, text: string): string[] => (wrong ? [text] : []);

const LINTS: readonly Lint[] = [
  ({ help }) => when(help.trim() === '', 'no help text'),
  (family) =>
    words(family)
      .filter((word) => BASE_UNITS.has(word))
      .map((word) => `use base unit "${BASE_UNITS.get(word)}" instead of "${word}"`),
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
  ({ name }) => when(ABBREVIATED.test(name), 'metric names should not contain abbreviated units'),
];

/** Returns the problems in the order of the families, then of the lints. */
export function lintFamilies(families: readonly MetricFamily[]): LintProblem[] {
  return families.flatMap((family) =>
    LINTS.flatMap((lint) => lint(family)).map((text) => ({ metric: family.name, text })),
  );
}
