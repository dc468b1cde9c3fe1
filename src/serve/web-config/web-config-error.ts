import { brand } from '../../copies.js';
import { PromMultiprocError } from '../../errors.js';

/** Where in a web configuration file something is. */
export interface ConfigPlace {
  readonly file: string;
  /** The line, from 1; undefined when the file as a whole is meant. */
  readonly line?: number;
  /** The key with its parents, such as `tls_server_config.min_version`. */
  readonly key?: string;
}

/** ERR_WEB_CONFIG: a web configuration file that cannot be read or breaks a rule, and where. Its text holds no secret. */
export class WebConfigError extends PromMultiprocError {
  override readonly name = 'WebConfigError';

  constructor(
    readonly place: ConfigPlace,
    problem: string,
    options?: ErrorOptions,
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
