/**
 * A log that is written beside the present one and then replaces it. To write 99,000 series at once took 115 ms, in the call of
 * the application that started it. So the new log is written for a few milliseconds at a time, while series come and go.
 *
 *   1. default labels and families
 *   2. the series and attachments that the present log names, except those that were removed before their turn
 *   3. every record that the present log got since 1, except removals of those that step 2 left out
 *
 * Slots that a removal has freed may belong to another series before the end: step 3 keeps the order of the present log.
 */
import type { LogDraft } from '../metrics-file/backing.js';
import type { RecordedCells } from './series.js';

/** The clock is read after this many records: a record takes a microsecond. */
const RECORDS_PER_LOOK = 64;

export class LogRestart {
  readonly #named: readonly RecordedCells[];
  readonly #since: Uint8Array[] = [];
  /** The steps that write the log. The last one returns whether everything had room. */
  readonly steps: Generator<void, boolean>;
  /** Records in the new log. */
  records = 0;

  /**
   * @param number of the new log: the `publishedIn` of everything that it names
   * @param head records of step 1
   * @param named series and attachments in the present log
   */
  constructor(
    readonly draft: LogDraft,
    readonly number: number,
    head: readonly Uint8Array[],
    named: readonly RecordedCells[],
  ) {
    this.#named = named;
    this.steps = this.#write(head);
  }

  /** Adds a record that was appended to the present log. */
  add(record: Uint8Array): void {
    this.#since.push(record);
  }

  *#write(head: readonly Uint8Array[]): Generator<void, boolean> {
    for (const record of head) {
      if (!this.#append(record)) return false;
      if (this.#isTimeToLook) yield;
    }
    for (const each of this.#named) {
      // removed, or removed and created again: later records tell readers
      if (each.publishedIn === 0 || each.publishedIn === this.number) continue;
      if (!this.#append(each.logRecord())) return false;
      each.publishedIn = this.number;
      if (this.#isTimeToLook) yield;
    }
    for (let at = 0; at < this.#since.length; at++) {
      if (!this.#append(this.#since[at])) return false;
      if (this.#isTimeToLook) yield;
    }
    return true;
  }

  get #isTimeToLook(): boolean {
    return this.records % RECORDS_PER_LOOK === 0;
  }

  #append(record: Uint8Array): boolean {
    this.records++;
    return this.draft.append(record);
  }
}
