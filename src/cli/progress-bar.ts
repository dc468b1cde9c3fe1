const WIDTH = 30;
const CLEAR_LINE = '\r\u001b[K';

/** How far a command has come: a line on the standard error that is drawn over, on a terminal only. */
export class ProgressBar {
  readonly #stream = process.stderr;
  #drawn = '';

  /** @param what is counted, such as `files` */
  constructor(private readonly what: string) {}

  show(done: number, of: number): void {
    if (!this.#stream.isTTY || of === 0) return;
    const full = Math.floor((done / of) * WIDTH);
    const percent = `${Math.floor((done / of) * 100)}`.padStart(3);
    const bar = `${'#'.repeat(full)}${'.'.repeat(WIDTH - full)} ${percent} %`;
    // a thousand files between two per cents are not worth a thousand writes
    if (bar === this.#drawn) return;
    this.#drawn = bar;
    this.#stream.write(`${CLEAR_LINE}${bar} of ${of} ${this.what}`);
  }

  clear(): void {
    if (this.#drawn !== '') this.#stream.write(CLEAR_LINE);
    this.#drawn = '';
  }
}
