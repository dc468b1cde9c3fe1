const WIDTH = 30;
const CLEAR_LINE = '\r\u001b[K';

/** The progress of a command: a line on the standard error that is overwritten, on a terminal only. */
export class ProgressBar {
  readonly #stream = process.stderr;
  #drawn = '';

  /** @param what the noun for the counted things, such as `files` */
  constructor(private readonly what: string) {}

  show(done: number, of: number): void {
    if (!this.#stream.isTTY || of === 0) return;
    const full = Math.floor((done / of) * WIDTH);
    const percent = `${Math.floor((done / of) * 100)}`.padStart(3);
    const bar = `${'#'.repeat(full)}${'.'.repeat(WIDTH - full)} ${percent} %`;
    // a write for each file would be wasted where the percentage does not change
    if (bar === this.#drawn) return;
    this.#drawn = bar;
    this.#stream.write(`${CLEAR_LINE}${bar} of ${of} ${this.what}`);
  }

  clear(): void {
    if (this.#drawn !== '') this.#stream.write(CLEAR_LINE);
    this.#drawn = '';
  }
}
