import { invalidArgument } from '../errors.js';
import type { Labels } from '../model/metric-family.js';
import { PROMETHEUS_CONTENT_TYPE } from '../registry/content-type.js';
import { failure, HttpTarget, isSuccess } from './http-target.js';
import { groupPath, type Pushgateway } from './pushgateway.js';
import type { HttpTargetOptions, Message, Outcome, PushTarget, Snapshot } from './push-target.js';
import { textMessage, type TextOptions } from './text-of-registry.js';

/** `url` is that of the gateway, without the path of the group. */
export interface PushgatewayGroupOptions extends HttpTargetOptions, TextOptions, Pushgateway.Parameters {}

/** A group of a Pushgateway. It stays there when the push ends, as those of all clients do. */
export class PushgatewayGroup extends HttpTarget implements PushTarget {
  readonly #options: PushgatewayGroupOptions;
  readonly #labels: Labels;

  /** @throws {PromMultiprocError} ERR_INVALID_ARGUMENT */
  constructor(options: PushgatewayGroupOptions, labels: Labels) {
    const { jobName, groupings } = options;
    if (typeof jobName !== 'string' || jobName === '') {
      throw invalidArgument('option pushgateway.jobName is missing: give the name of the job');
    }
    super('pushgateway', options, `/metrics${groupPath({ job: jobName, ...groupings })}`);
    this.#options = options;
    this.#labels = labels;
  }

  async *messages({ families }: Snapshot): AsyncGenerator<Message> {
    yield textMessage(families, this.#options, this.#labels);
  }

  async send({ body }: Message, signal: AbortSignal): Promise<Outcome> {
    const headers = { 'content-type': PROMETHEUS_CONTENT_TYPE };
    const response = await this.request({ method: 'PUT', headers, body }, signal);
    return isSuccess(response) ? { result: 'sent' } : failure(response, (status) => status >= 500);
  }
}
