/**
 * Names of Prometheus for names and units of OpenTelemetry, by its specification «Prometheus and OpenMetrics compatibility».
 */
import { endsWithUnit, isLabelName } from '../model/naming.js';

/** The rules of UCUM's short units in semantic conventions. Other units stay as they are. */
const UNITS: Readonly<Record<string, string>> = {
  ...{ d: 'days', h: 'hours', min: 'minutes', s: 'seconds', ms: 'milliseconds', us: 'microseconds', ns: 'nanoseconds' },
  ...{ By: 'bytes', KiBy: 'kibibytes', MiBy: 'mebibytes', GiBy: 'gibibytes', TiBy: 'tibibytes' },
  ...{ KBy: 'kilobytes', kBy: 'kilobytes', MBy: 'megabytes', GBy: 'gigabytes', TBy: 'terabytes' },
  ...{ m: 'meters', V: 'volts', A: 'amperes', J: 'joules', W: 'watts', g: 'grams', Cel: 'celsius', Hz: 'hertz' },
  '%': 'percent',
};
/** Units after a slash: `By/s` is bytes_per_second. */
const PER: Readonly<Record<string, string>> = {
  ...{ s: 'second', m: 'minute', min: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' },
};

const TOTAL = '_total';

export interface NameRules {
  /** Names keep their dots, and a scraper that does not accept them gets underscores. */
  readonly utf8: boolean;
  /** Units become a part of the name. */
  readonly unitSuffixes: boolean;
}

export interface ShownName {
  readonly name: string;
  /** For the UNIT line of OpenMetrics. */
  readonly unit: string | undefined;
}

export function metricName(name: string, unit: string, type: string, { utf8, unitSuffixes }: NameRules): ShownName {
  const legal = utf8 ? name : legalName(name);
  const base = type === 'counter' && legal.endsWith(TOTAL) ? legal.slice(0, -TOTAL.length) : legal;
  const word = unitSuffixes ? unitWord(unit, type) : undefined;
  const measured = word === undefined || base === word || endsWithUnit(base, word) ? base : `${base}_${word}`;
  const shownUnit = word !== undefined && endsWithUnit(measured, word) ? word : undefined;
  return { name: type === 'counter' ? measured + TOTAL : measured, unit: shownUnit };
}

/** Returns the label of an attribute. @param reserved names that the metric uses itself, such as `le` */
export function labelName(key: string, utf8: boolean, reserved: readonly string[]): string {
  const legal = utf8 && isLabelName(key, 'utf8') ? key : legalName(key);
  return reserved.includes(legal) || legal === '__name__' ? `attribute_${legal}` : legal;
}

function unitWord(unit: string, type: string): string | undefined {
  // an annotation in braces is no unit
  const [of, per] = unit.replaceAll(/\{[^}]*\}/g, '').split('/', 2);
  if (of === '1' && per === undefined) return type === 'gauge' ? 'ratio' : undefined;
  const words = [UNITS[of] ?? of, ...(per === undefined || per === '' ? [] : ['per', PER[per] ?? per])];
  const word = words.map((text) => text.replaceAll(/[^a-zA-Z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '')).filter(Boolean);
  // a unit that begins with a digit is none of OpenMetrics
  return word.length === 0 || /^\d/.test(word[0]) ? undefined : word.join('_');
}

function legalName(name: string): string {
  const legal = name.replaceAll(/[^a-zA-Z0-9_]/g, '_').replaceAll(/_{2,}/g, '_');
  return /^[a-zA-Z_]/.test(legal) ? legal : `_${legal}`;
}
