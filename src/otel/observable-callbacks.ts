import type {
  BatchObservableCallback,
  BatchObservableResult,
  Observable,
  ObservableCallback,
} from '@opentelemetry/api';
import { describeError } from '../errors.js';
import { warnOnce } from '../warn-once.js';
import { ObservedInstrument } from './observable.js';

/** A registry waits 5 s for a metric. */
const MAX_WAIT_MS = 4000;

interface Registration {
  readonly callback: unknown;
  readonly instruments: readonly ObservedInstrument[];
  readonly run: () => void | Promise<void>;
  /** The call that has not ended yet: it is not called again before. */
  running: Promise<void> | undefined;
}

/**
 * The callbacks of a provider. They run in rounds: one for all metrics that are read together, because a batch callback
 * observes several of them.
 */
export class ObservableCallbacks {
  readonly #registrations = new Set<Registration>();
  #round: Promise<ReadonlyMap<string, unknown>> | undefined;

  add(callback: ObservableCallback, instrument: ObservedInstrument): void {
    this.#add(callback, [instrument], () =>
      callback({ observe: (value, attributes) => instrument.observe(value, attributes) }),
    );
  }

  addBatch(callback: BatchObservableCallback, observables: readonly Observable[]): void {
    const instruments = observables.filter((each) => each instanceof ObservedInstrument);
    const known = new Set<Observable>(instruments);
    const result: BatchObservableResult = {
      observe(observable, value, attributes) {
        if (known.has(observable)) (observable as ObservedInstrument).observe(value, attributes);
      },
    };
    this.#add(callback, instruments, () => callback(result));
  }

  /** Removes a callback that was added with these instruments. */
  remove(callback: ObservableCallback | BatchObservableCallback, observables: readonly Observable[]): void {
    const instruments = observables.filter((each) => each instanceof ObservedInstrument);
    const found = this.#find(callback, instruments);
    if (found !== undefined) this.#registrations.delete(found);
  }

  /** Brings the observed values of a metric up to date. @throws the error of one of its callbacks */
  async #observe(family: string): Promise<void> {
    this.#round ??= this.#run().finally(() => (this.#round = undefined));
    const failures = await this.#round;
    if (failures.has(family)) throw failures.get(family);
  }

  #add(callback: unknown, instruments: readonly ObservedInstrument[], run: () => void | Promise<void>): void {
    if (typeof callback !== 'function' || instruments.length === 0 || this.#find(callback, instruments)) return;
    this.#registrations.add({ callback, instruments, run, running: undefined });
    for (const instrument of instruments) instrument.collectBy(() => this.#observe(instrument.family));
  }

  #find(callback: unknown, instruments: readonly ObservedInstrument[]): Registration | undefined {
    const isSame = (other: Registration): boolean =>
      other.callback === callback &&
      other.instruments.length === instruments.length &&
      instruments.every((instrument) => other.instruments.includes(instrument));
    return [...this.#registrations].find(isSame);
  }

  /** Returns the first error of each metric. */
  async #run(): Promise<ReadonlyMap<string, unknown>> {
    // the other metrics that are read now begin their own collection first
    await Promise.resolve();
    const failures = new Map<string, unknown>();
    const registrations = [...this.#registrations];
    const failed = (registration: Registration, error: unknown): void => {
      for (const { family } of registration.instruments) if (!failures.has(family)) failures.set(family, error);
      warnOnce(
        `observe ${registration.instruments[0].family}`,
        `a callback of ${registration.instruments.map(({ family }) => family).join(', ')} failed: ${describeError(error)}`,
      );
    };
    await Promise.all(
      registrations.map((registration) =>
        this.#call(registration).catch((error: unknown) => failed(registration, error)),
      ),
    );
    for (const instrument of new Set(registrations.flatMap(({ instruments }) => instruments))) {
      if (!failures.has(instrument.family)) instrument.endRound();
    }
    return failures;
  }

  async #call(registration: Registration): Promise<void> {
    registration.running ??= (async () => registration.run())().finally(() => {
      registration.running = undefined;
    });
    await inTime(registration.running);
  }
}

function inTime(running: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`it did not end within ${MAX_WAIT_MS} ms`)), MAX_WAIT_MS);
    late.unref();
    running.then(resolve, reject).finally(() => clearTimeout(late));
  });
}
