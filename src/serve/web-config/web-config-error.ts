import { brand } from '../../copies.js';
import { type ErrorCause, PromMultiprocError } from '../../errors.js';

/** A place in a web configuration file. */
export interface ConfigPlace {
  readonly file: string;
  /** The line, from 1; undefined where the problem concerns the whole file. */
  readonly line?: number;
  /** The key with its parents, such as `tls_server_config.min_version`. */
  readonly key?: string;
}

/** ERR_WEB_CONFIG: a web configuration file cannot be read or breaks a rule. It has the place, and its text holds no secret. */
export class WebConfigError extends PromMultiprocError {
  override readonly name = 'WebConfigError';

  constructor(
    readonly place: ConfigPlace,
    problem: string,
    options?: ErrorCause,
  ) {
    const { file, line, key } = place;
    const where = [
      JSON.stringify(file),
      line === undefined ? '' : `, line ${line}`,
      key === undefined ? '' : `, ${key}`,
    ];
    super('ERR_WEB_CONFIG', `web configuration file ${where.join('')}: ${problem}`, options);
  }
}

brand(WebConfigError, 'WebConfigError');
