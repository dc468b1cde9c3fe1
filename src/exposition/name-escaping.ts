/**
 * How UTF-8 names are shown to a scraper that does not take them: Prometheus' escaping schemes
 * (prometheus.io/docs/instrumenting/escaping_schemes). Only `dots` changes names that are legal without: it doubles their
 * underscores, so that every name can be told from what it became.
 */
import type { Labels, MetricFamily } from '../model/metric-family.js';
import { type Clash, nameClashes } from '../model/name-clash.js';
import { isLabelName, validateMetricName } from '../model/naming.js';
import { labelText, parseLabelText } from './labels.js';

export const ESCAPINGS = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type Escaping = (typeof ESCAPINGS)[number];

/** For a scraper that names none. */
export const DEFAULT_ESCAPING: Escaping = 'underscores';

interface Scheme {
  readonly prefix: string;
  /** Legal names change too. */
  readonly changesLegal: boolean;
  /** What an underscore becomes, and a character that no name may have without quotes. */
  readonly underscore: string;
  readonly other: (character: string) => string;
}

const SCHEMES: Readonly<Record<Exclude<Escaping, 'allow-utf-8'>, Scheme>> = {
  underscores: { prefix: '', changesLegal: false, underscore: '_', other: () => '_' },
  dots: {
    prefix: '',
    changesLegal: true,
    underscore: '__',
    other: (character) => (character === '.' ? '_dot_' : '__'),
  },
  values: {
    prefix: 'U__',
    changesLegal: false,
    underscore: '__',
    other: (character) => `_${character.codePointAt(0)!.toString(16)}_`,
  },
};

export function changesLegalNames(escaping: Escaping = DEFAULT_ESCAPING): boolean {
  return escaping !== 'allow-utf-8' && SCHEMES[escaping].changesLegal;
}

export function escapeMetricName(name: string, escaping: Escaping): string {
  return escapeWith(name, escaping, validateMetricName, /[a-zA-Z0-9:]/);
}

function escapeLabelName(name: string, escaping: Escaping): string {
  return escapeWith(name, escaping, isLabelName, /[a-zA-Z0-9]/);
}

/** The same of a text that `labelText` printed. Labels that become one label have its values joined, as OpenTelemetry does. */
export function escapeLabelText(text: string, escaping: Escaping): string {
  if (escaping === 'allow-utf-8' || text === '') return text;
  // a quoted name is at the begin or after a comma, as is what ends a value with a comma
  if (!SCHEMES[escaping].changesLegal && !/(?:^|,)"/.test(text)) return text;
  return labelText(escapedLabels(parseLabelText(text), escaping));
}

/** Families with other names where need be, without those that could not be told from one before. */
export function escapeFamilies(families: readonly MetricFamily[], escaping: Escaping): readonly MetricFamily[] {
  if (escaping === 'allow-utf-8') return families;
  const hidden = new Set(escapedClashes(families, escaping).map((clash) => clash.hidden));
  return families.filter(({ name }) => !hidden.has(name)).map((family) => escapedFamily(family, escaping));
}

/**
 * Which families have to be left out because names are escaped.
 *
 * @param families those that are rather shown come first
 */
export function escapedClashes(
  families: readonly { readonly name: string; readonly type: string }[],
  escaping: Escaping,
): Clash[] {
  const shownName = (name: string): string => escapeMetricName(name, escaping);
  return families.every(({ name }) => shownName(name) === name) ? [] : nameClashes(families, shownName);
}

function escapedFamily(family: MetricFamily, escaping: Escaping): MetricFamily {
  const { name, samples } = family;
  const escaped = escapeMetricName(name, escaping);
  const isLegal = (labels: Labels): boolean =>
    Object.keys(labels).every((label) => escapeLabelName(label, escaping) === label);
  if (escaped === name && samples.every(({ labels }) => isLegal(labels))) return family;
  return {
    ...family,
    name: escaped,
    samples: samples.map((sample) => ({
      ...sample,
      // a line's suffix is not part of what is escaped
      name: sample.name.startsWith(name)
        ? escaped + sample.name.slice(name.length)
        : escapeMetricName(sample.name, escaping),
      labels: escapedLabels(sample.labels, escaping),
    })),
  };
}

function escapedLabels(labels: Readonly<Labels>, escaping: Escaping): Labels {
  const escaped: Labels = Object.create(null) as Labels;
  for (const [name, value] of Object.entries(labels)) {
    const shown = escapeLabelName(name, escaping);
    escaped[shown] = shown in escaped ? `${escaped[shown]};${value}` : value;
  }
  return escaped;
}

function escapeWith(name: string, escaping: Escaping, isLegal: (name: string) => boolean, legal: RegExp): string {
  if (escaping === 'allow-utf-8') return name;
  const { prefix, changesLegal, underscore, other } = SCHEMES[escaping];
  if (!changesLegal && isLegal(name)) return name;
  let escaped = prefix;
  for (const character of name) {
    const isDigit = character >= '0' && character <= '9';
    if (character === '_') escaped += underscore;
    // a digit may not come first
    else escaped += legal.test(character) && !(isDigit && escaped === '') ? character : other(character);
  }
  return escaped === '' ? '_' : escaped;
}
