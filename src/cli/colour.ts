import pc from 'picocolors';

/** Colours on a terminal that has them, unless NO_COLOR is set (no-color.org); elsewhere texts stay as they are. */
export const colour = process.stdout.isTTY ? pc : pc.createColors(false);
