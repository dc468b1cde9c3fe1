import { styleText } from 'node:util';

type Style = 'green' | 'red' | 'yellow' | 'bold';

/** `hasColors` follows NO_COLOR (no-color.org), FORCE_COLOR and TERM; what is no terminal has no such method. */
const isColourful = process.stdout.isTTY && process.stdout.hasColors();

function painter(style: Style): (text: string) => string {
  return isColourful ? (text) => styleText(style, text) : (text) => text;
}

/** Colours on a terminal that has them; elsewhere texts stay as they are. */
export const colour: Readonly<Record<Style, (text: string) => string>> = {
  green: painter('green'),
  red: painter('red'),
  yellow: painter('yellow'),
  bold: painter('bold'),
};
