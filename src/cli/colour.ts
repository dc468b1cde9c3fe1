import { styleText } from 'node:util';

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
