/** Output of the commands: columns for people and JSON for programs. Texts of files reach no terminal unchecked. */

/** Replaces control characters, which include the escape sequences of terminals. */
export function plain(text: string): string {
  // oxlint-disable-next-line no-control-regex -- that is what is taken out
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd');
}

/**
 * Formats rows in columns below a head; columns of numbers are aligned to the right.
 *
 * @param paint functions that colour the padded cells, by the head of the column
 */
export function columns(
  head: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  paint: Readonly<Record<string, (cell: string) => string>> = {},
): string {
  const cells = [head, ...rows.map((row) => row.map((cell) => plain(String(cell))))];
  const widths = head.map((_, at) => Math.max(...cells.map((row) => row[at].length)));
  const toTheRight = head.map((_, at) => rows.length > 0 && rows.every((row) => typeof row[at] === 'number'));
  return cells
    .map((row) =>
      row
        .map((cell, at) => {
          const padded = toTheRight[at] ? cell.padStart(widths[at]) : cell.padEnd(widths[at]);
          return row === head ? padded : (paint[head[at]]?.(padded) ?? padded);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB'];

export function bytes(count: number): string {
  let unit = 0;
  for (; count >= 1024 && unit < UNITS.length - 1; unit++) count /= 1024;
  return `${count >= 100 || unit === 0 ? Math.round(count) : count.toFixed(1)} ${UNITS[unit]}`;
}

/** A duration in its largest unit, or `-` where it is not known. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '-';
  for (const [unit, length] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (seconds >= length) return `${Math.floor(seconds / length)}${unit}`;
  }
  return `${Math.floor(seconds)}s`;
}

/** The time since an event; `-` where it did not happen. */
export function timeAgo(at: number | undefined, now: number): string {
  return at === undefined ? '-' : `${duration(now - at)} ago`;
}
