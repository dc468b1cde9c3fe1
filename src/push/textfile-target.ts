import { describeError } from '../errors.js';
import type { Labels } from '../model/metric-family.js';
import type { Message, Outcome, PushTarget, Snapshot } from './push-target.js';
import { textMessage, type TextOptions } from './text-of-registry.js';
import { assertTextfile, replaceTextfile, type TextfileOptions } from './textfile.js';

export interface TextfileTargetOptions extends TextOptions, Pick<TextfileOptions, 'mode'> {
  /** Where to write; the name has to end in `.prom`. */
  readonly path: string;
}

/** A file for node_exporter's textfile collector. It stays when the push ends. */
export class Textfile implements PushTarget {
  readonly destination: string;
  readonly #options: TextfileTargetOptions;
  readonly #labels: Labels;

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(options: TextfileTargetOptions, labels: Labels) {
    assertTextfile(options.path);
    this.destination = options.path;
    this.#options = options;
    this.#labels = labels;
  }

  async *messages({ families }: Snapshot): AsyncGenerator<Message> {
    yield textMessage(families, this.#options, this.#labels);
  }

  async send({ body }: Message): Promise<Outcome> {
    const { path, mode } = this.#options;
    try {
      await replaceTextfile(path, body, mode);
      return { result: 'sent' };
    } catch (error) {
      // the next interval writes newer metrics
      return { result: 'refused', reason: describeError(error) };
    }
  }
}
