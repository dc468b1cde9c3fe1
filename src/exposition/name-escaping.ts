/**
 * Shows UTF-8 names to a scraper that does not accept them, by Prometheus' escaping schemes
 * (prometheus.io/docs/instrumenting/escaping_schemes). Only `dots` changes legal names too: it doubles their underscores, so
 * that the original name can be recovered.
 */
import type { Exemplar, Labels, MetricFamily, Sample } from '../model/metric-family.js';
import { type Clash, nameClashes } from '../model/name-clash.js';
import { isLabelName, validateMetricName } from '../model/naming.js';
import { labelText, parseLabelText } from './labels.js';

export const ESCAPINGS = ['allow-utf-8', 'underscores', 'dots', 'values'] as const;
export type Escaping = (typeof ESCAPINGS)[number];

/** The scheme for a scraper that asks for none. */
export const DEFAULT_ESCAPING: Escaping = 'underscores';

interface Scheme {
  readonly prefix: string;
  /** The scheme changes legal names too. */
  readonly changesLegal: boolean;
  /** Replacements of an underscore, and of a character that is not legal in a name without quotes. */
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

/**
 * Escapes the names in a text that `labelText` returned. If two names become the same, their values are joined, as
 * OpenTelemetry does it.
 */
export function escapeLabelText(text: string, escaping: Escaping): string {
  if (escaping === 'allow-utf-8' || text === '') return text;
  // a quoted name is at the start or after a comma; so is the end of a value that ends with a comma, which does no harm
  if (!SCHEMES[escaping].changesLegal && !/(?:^|,)"/.test(text)) return text;
  return labelText(escapedLabels(parseLabelText(text), escaping));
}

/** Escapes the names of an exemplar's labels that are not legal. Legal ones, such as `trace_id`, stay in every scheme. */
export function escapeExemplar(exemplar: Exemplar, escaping: Escaping): Exemplar {
  const { labels } = exemplar;
  if (escaping === 'allow-utf-8' || Object.keys(labels).every((name) => isLabelName(name))) return exemplar;
  const escaped = Object.entries(labels).map(
    ([name, value]) => [isLabelName(name) ? name : escapeLabelName(name, escaping), value] as const,
  );
  return { ...exemplar, labels: Object.fromEntries(escaped) };
}

/** Escapes the names of families and leaves out a family whose escaped name an earlier one has. */
export function escapeFamilies(families: readonly MetricFamily[], escaping: Escaping): readonly MetricFamily[] {
  if (escaping === 'allow-utf-8') return families;
  const hidden = new Set(escapedClashes(families, escaping).map((clash) => clash.hidden));
  return families.filter(({ name }) => !hidden.has(name)).map((family) => escapedFamily(family, escaping));
}

/**
 * Returns the families that must be left out because escaping gives two of them one name.
 *
 * @param families a family earlier in the list is kept
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
  const isUnchanged = ({ labels, exemplar }: Sample): boolean =>
    isLegal(labels) && (exemplar === undefined || escapeExemplar(exemplar, escaping) === exemplar);
  if (escaped === name && samples.every(isUnchanged)) return family;
  return {
    ...family,
    name: escaped,
    samples: samples.map((sample) => ({
      ...sample,
      // the suffix of a line is not escaped
      name: sample.name.startsWith(name)
        ? escaped + sample.name.slice(name.length)
        : escapeMetricName(sample.name, escaping),
      labels: escapedLabels(sample.labels, escaping),
      ...(sample.exemplar !== undefined && { exemplar: escapeExemplar(sample.exemplar, escaping) }),
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
    // a name must not begin with a digit
    else escaped += legal.test(character) && !(isDigit && escaped === '') ? character : other(character);
  }
  return escaped === '' ? '_' : escaped;
}
