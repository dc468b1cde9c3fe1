import { styleText } from 'node:util';
import type { Finding } from '../collector/verdict.js';
import { plain } from './print.js';

type Style = 'green' | 'red' | 'yellow' | 'bold';

/** `hasColors` follows NO_COLOR (no-color.org), FORCE_COLOR and TERM. Only terminals have this method. */
const isColourful = process.stdout.isTTY && process.stdout.hasColors();

function painter(style: Style): (text: string) => string {
  return isColourful ? (text) => styleText(style, text) : (text) => text;
}

/** Colours a text on a terminal with colours, and returns it unchanged elsewhere. */
export const colour: Readonly<Record<Style, (text: string) => string>> = {
  green: painter('green'),
  red: painter('red'),
  yellow: painter('yellow'),
  bold: painter('bold'),
};

const OF_STATES: Readonly<Record<string, ((text: string) => string) | undefined>> = {
  live: colour.green,
  dead: colour.red,
  killed: colour.red,
  unknown: colour.yellow,
};

/** Colours the state of a process. The colour repeats what the word tells, for readers and terminals without colours. */
export function colouredState(state: string): string {
  return OF_STATES[state.trim()]?.(state) ?? state;
}

/** One line about a finding of the verdict. */
export function findingLine({ level, text }: Finding): string {
  return `${level === 'bad' ? colour.red(level) : colour.yellow(level)}: ${plain(text)}`;
}
